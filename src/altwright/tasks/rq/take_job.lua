-- Ends the job that a worker had in hand, gives a sign of life, and takes the next: in one trip.
-- Writes what RQ 3 writes (rq/worker/base.py, executions.py, registry.py, results.py).
-- KEYS: the worker's hash, the set of its executions, the key of a suspension.
-- ARGV[1], JSON, times in seconds: now, at (the same as RQ writes times); worker; ttl_s (of signs);
--   keys (what keys begin with, by noun); most_bytes and most_looks; sign (whether one is due);
--   ended (see job_records.py) or nothing; queues (names, most urgent first) or nothing;
--   popped ({queue, id}: taken from its queue already) or nothing; execution (the next one's id).
-- Returns {what it found: "job", "none" or "suspended"; what Redis refused; queue; id; payload}.
local o = cjson.decode(ARGV[1])
local worker, held, suspension = KEYS[1], KEYS[2], KEYS[3]
local refused = ''

-- A key of a stranger's type, or a server out of memory, must not end what has begun. (Once a
-- script has written, a full server lets it go on; a job that was popped before has no notes then.)
local function try(...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err then
    refused = answer.err
    return nil
  end
  return answer
end

local function finish(job)
  local key, one = o.keys.job .. job.id, job.id .. ':' .. job.execution
  try('ZREM', o.keys.started .. job.queue, one)
  try('DEL', o.keys.execution .. one)
  try('ZREM', o.keys.executions .. job.id, job.execution)
  try('SREM', held, one)
  if job.back then
    if try('EXISTS', key) == 1 then try('HSET', key, 'status', 'queued') end
    try('LPUSH', o.keys.queue .. job.queue, job.id)
    return
  end
  try('HINCRBY', worker, job.counter, 1)
  try('HINCRBYFLOAT', worker, 'total_working_time', job.took_s)
  if job.ttl_s == 0 or not try('HSET', key, 'status', job.status, 'ended_at', o.at) then
    try('DEL', key, o.keys.results .. job.id)
    return
  end
  try('EXPIRE', key, job.ttl_s)
  try('XADD', o.keys.results .. job.id, 'MAXLEN', 10, '*', unpack(job.result))
  try('EXPIRE', o.keys.results .. job.id, job.ttl_s)
  try('ZADD', o.keys[job.status] .. job.queue, o.now + job.ttl_s, job.id)
  if job.status == 'finished' then
    -- It may have been taken for abandoned, while no sign of it got through.
    try('ZREM', o.keys.failed .. job.queue, job.id)
  end
end

local function payload(id)
  if #id > o.most_bytes then return nil end
  local key = o.keys.job .. id
  local size = try('HSTRLEN', key, 'data')
  if not size or size == 0 then return nil end
  if size > o.most_bytes then
    try('DEL', key)
    return nil
  end
  return try('HGET', key, 'data')
end

local function start(queue, id)
  local key, one = o.keys.job .. id, id .. ':' .. o.execution
  try('HSET', key, 'status', 'started', 'started_at', o.at, 'last_heartbeat', o.at,
    'worker_name', o.worker)
  try('EXPIRE', key, o.job_ttl_s)
  try('HSET', o.keys.execution .. one, 'id', o.execution, 'job_id', id, 'created_at', o.now,
    'last_heartbeat', o.now, 'worker_name', o.worker)
  try('EXPIRE', o.keys.execution .. one, o.ttl_s)
  try('ZADD', o.keys.executions .. id, o.now + o.ttl_s + 60, o.execution)
  try('EXPIRE', o.keys.executions .. id, o.ttl_s + 60)
  try('ZADD', o.keys.started .. queue, o.now + o.ttl_s, one)
  try('SADD', held, one)
  try('EXPIRE', held, o.ttl_s + 60)
end

if o.ended then finish(o.ended) end
if o.sign then try('HSET', worker, 'last_heartbeat', o.at) end
local queues = o.queues or {}
-- Also what a flush took away, and a count or a state has made anew, goes away by itself.
local function note(state)
  if o.state ~= state then try('HSET', worker, 'state', state) end
  try('EXPIRE', worker, o.ttl_s + 60)
end

if #queues > 0 and try('EXISTS', suspension) == 1 then
  note('suspended')
  return {'suspended', refused}
end
local looks = o.most_looks
local found, queue, id
if o.popped then
  queue, id = o.popped[1], o.popped[2]
  found = payload(id)
end
for _, name in ipairs(queues) do
  while not found and looks > 0 do
    looks = looks - 1
    id = try('LPOP', o.keys.queue .. name)
    if not id then break end
    queue, found = name, payload(id)
  end
end
if found then
  start(queue, id)
  note('busy')
  return {'job', refused, queue, id, found}
end
note('idle')
return {looks == 0 and 'more' or 'none', refused}
