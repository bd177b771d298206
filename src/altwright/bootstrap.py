"""Builds the service from its settings: the only module that picks implementations."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from altwright import folders, tracing
from altwright.accounts import key_check
from altwright.accounts.administration import UserAdministration
from altwright.accounts.connections import AccountStore
from altwright.accounts.password_links import PasswordLinks
from altwright.accounts.users import UserStore
from altwright.background import BackgroundLoop
from altwright.builders import describers
from altwright.builders.alerting import Alerting
from altwright.builders.captions import Captions
from altwright.builders.engine import Engine
from altwright.builders.options import (
    ages_of,
    options_of,
    picture_limits_of,
    quiet_s,
    retries_of,
    thresholds_of,
)
from altwright.captions.drafts.pruning import ContentRetention
from altwright.captions.pictures.picture_files import PictureStore
from altwright.config import Settings
from altwright.crypto import Box
from altwright.db.session import Database, make_engine
from altwright.describers.exchangeable import ExchangeableDescriber
from altwright.describers.local_models.administration import LocalModels
from altwright.describers.local_models.client import LocalModel
from altwright.describers.local_models.folder import ModelFolder
from altwright.describers.local_models.getting import GetModel
from altwright.describers.local_models.hub import Hub
from altwright.describers.model_servers.ollama_models import OllamaModels
from altwright.describers.model_servers.pulling import PullModel
from altwright.domain.worker import StartedBy, WorkerKind, host_name, process_name
from altwright.errors import ConfigError, DatabaseUnavailable
from altwright.net.http import Outbound
from altwright.platforms.connect import connect as connect_platform
from altwright.tasks.alerting.alert_desk import AlertDesk
from altwright.tasks.alerting.notifications import Channel, Mail, Ntfy, Slack, Webhook
from altwright.tasks.audit_log import Audit
from altwright.tasks.cluster.live_settings import LiveSettings
from altwright.tasks.cluster.stack_dumps import StackDumps
from altwright.tasks.cluster.worker_control import INTEGRATED, Group, WorkerControl
from altwright.tasks.cluster.worker_slots import Slots
from altwright.tasks.error_policies import ErrorPolicies
from altwright.tasks.maintenance.task import Chore, Maintenance
from altwright.tasks.overview import Overview, Seen
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.job_cleaner import RQUpkeep
from altwright.tasks.rq.redis_client import connect as connect_redis
from altwright.tasks.rq.url_override import RedisAddress
from altwright.tasks.store.retention import TaskRetention
from altwright.tasks.store.running_work import RunningWork
from altwright.tasks.store.statistics import Figures
from altwright.tasks.store.task_store import TaskStore
from altwright.tasks.store.time_series import Series
from altwright.tasks.waiting_reasons import Looked, WaitingReasons
from altwright.tasks.worker_administration import WorkerAdministration
from altwright.web.realtime.redis_channel import PageChannel
from altwright.web.services import Services as WebServices
from altwright.workers.capacity import pool_size
from altwright.workers.integrated import IntegratedRQWorker
from altwright.workers.manager import RQWorkerManager
from altwright.workers.memory import MIB, MemoryLimit
from altwright.workers.places import OwnPlaces, Places, SharedPlaces
from altwright.workers.sessions import WorkerSessionManager
from altwright.workers.wishes import ProcessWishes
from altwright.workers.worker import WorkParts

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Services(WebServices):
    """Everything that one process works with; threads begin with ``start``."""

    engine: Engine
    redis_address: RedisAddress
    chores: dict[str, Chore]
    upkeep: RQUpkeep
    #: The threads of a process, in the order of their start.
    loops: tuple[BackgroundLoop, ...]

    def start(self) -> None:
        """Begin to watch Redis, to keep leases, and to compete for the dispatcher's role."""
        with suppress(DatabaseUnavailable):  # then the leader's loop asks again
            self.redis_address.follow()
            self.engine.wish.follow()
            self.live.follow()
            try:
                key_check.verify(self.database, self.box)
            except ConfigError as error:  # commands and `altwright serve` stop there
                _log.critical("%s", error)
        self.health.check()
        for loop in self.loops:
            loop.start()

    def close(self) -> None:
        """End what ``start`` began, and release every connection and process."""
        for loop in reversed(self.loops):
            loop.stop()
        self.describer.close()
        # Gunicorn ends the workers first; a request that is still answered here keeps its own.
        self.health.client.connection_pool.disconnect(inuse_connections=False)
        self.database.close()
        tracing.flush()

    def work_parts(
        self, app_context: Callable[[], AbstractContextManager[Any]] = nullcontext
    ) -> WorkParts:
        """Return what workers share; tasks run inside ``app_context``."""
        sessions = WorkerSessionManager(self.database.engine, app_context)
        return self.engine.work_parts(sessions.task)

    def worker_manager(
        self,
        kind: str,
        count: int | None,
        app_context: Callable[[], AbstractContextManager[Any]] = nullcontext,
        started_by: StartedBy = StartedBy.NOBODY,
    ) -> RQWorkerManager:
        """Return the manager of ``count`` workers here; None: a share of the whole service's.

        Asked for before ``start``: it listens to the pool of connections, which threads may not
        use while it begins to.
        """
        wishes = self.process_wishes(kind, started_by)
        make_worker = partial(
            IntegratedRQWorker, self.work_parts(app_context), self.health, self.queue, kind
        )
        settings = self.settings
        places: Places = (
            OwnPlaces(count)
            if count is not None
            else SharedPlaces(
                Slots(self.engine.leases, process_name()),
                lambda: wishes.count(settings.rq_worker_count),
                settings.web_concurrency,
            )
        )
        memory = MemoryLimit(settings.rq_worker_memory_limit * MIB)
        return RQWorkerManager(
            make_worker,
            self.engine.roster,
            places,
            memory,
            wishes,
            kind=kind,
            started_by=started_by,
            grace_s=settings.rq_shutdown_timeout,
            make_room=lambda workers: self.database.keep_connections(pool_size(settings, workers)),
        )

    def process_wishes(self, kind: str, started_by: StartedBy) -> ProcessWishes:
        """Return what follows the wishes for this process's workers."""
        group: Group | None = Group(kind, host_name())
        if kind == WorkerKind.INTEGRATED:
            group = INTEGRATED
        elif started_by is StartedBy.POOL:
            group = None
        engine = self.engine
        return ProcessWishes(
            engine.control, group, StackDumps(self.database), engine.leases, process_name()
        )


def build(settings: Settings) -> Services:
    """Put the service together; nothing starts yet, and nothing connects once there is a key.

    Raises:
        ConfigError: DATA_DIR can't be made; a kept key can't be read or made, or is missing
            though it is needed.
        DatabaseUnavailable: there is no key yet, and the database can't be asked for one's traces.
    """
    folders.make(settings.data_dir, "DATA_DIR")
    database = Database(make_engine(settings.resolved_database_url, pool_size=pool_size(settings)))
    box = Box(key_check.encryption_keys(settings, database))
    outbound = Outbound(settings.allowed_private_hosts, timeout_s=settings.platform_timeout)
    client = connect_redis(settings.resolved_redis_url)
    health = RedisHealthMonitor(
        client,
        url=settings.resolved_redis_url,
        interval_s=settings.rq_health_check_interval,
        threshold=settings.rq_failure_threshold,
    )
    store = TaskStore(database, box)
    accounts = AccountStore(database, box, partial(connect_platform, outbound=outbound))
    pictures = PictureStore(settings.media_dir)
    describer = ExchangeableDescriber(describers.makers(settings))
    captions = Captions(
        store,
        accounts,
        pictures,
        outbound,
        describer,
        picture_limits_of(settings),
        settings.caption_max_length,
        describers.parallel_of(settings, describer),
        describer.read,
    )
    upkeep = RQUpkeep(health, options_of(settings).queue)
    ages = ages_of(settings)
    content = ContentRetention(captions.drafts, pictures, ages)
    of_tasks = TaskRetention(database, ages, before=content.forget_tasks)
    chores = {
        "tasks": Chore("tasks that ended long ago", of_tasks.prune_tasks),
        "drafts": Chore("drafts published long ago", content.prune_drafts),
        "pictures": Chore("copies of settled pictures", content.release_pictures),
        "files": Chore("files of no picture", content.prune_files),
        "books": Chore("old audit entries and alerts", of_tasks.prune_books),
        "redis": Chore("old jobs in Redis", lambda _: upkeep.trim()),
    }
    models, hub = ModelFolder(settings.vision_models_dir), hub_of(settings)
    get_model = GetModel(
        hub,
        models,
        lambda name: LocalModel(
            describers.model_host_of(settings), name, live.current.model_timeout
        ),
        lambda name, by: local_models.use(name, by=users.still_administrator(by)),
    )
    ollama = OllamaModels(settings.ollama_url)
    pull = PullModel(
        ollama, lambda name, by: local_models.use_ollama(name, by=users.still_administrator(by))
    )
    own_kinds = (Maintenance(chores), get_model, pull)
    kinds = captions.kinds | {kind.name: kind for kind in own_kinds}
    page_channel = PageChannel(health, box, settings)
    engine = Engine(
        store,
        health,
        kinds,
        options_of(settings),
        owner=process_name(),
        emit=page_channel.emit_to_user,
    )
    address = RedisAddress(engine.state, box, settings.resolved_redis_url, health.move)
    channels = channels_of(settings)
    figures, roster = Figures(database), engine.roster
    work = RunningWork(database, settings.alert_stuck_task)

    def lacks() -> str:
        lacking = describer.lacking()
        # Where nobody works, nothing is missed.
        works = lacking and any(one.host == host_name() for one in roster.alive())
        return lacking if works else ""

    waiting = WaitingReasons(
        Looked(
            database=database,
            pauses=engine.pauses,
            limits=engine.limits,
            roster=roster,
            control=engine.control,
            work=work,
            series=Series(database),
            health=health,
            suspended=upkeep.suspended,
        )
    )
    worker_administration = WorkerAdministration(
        roster,
        engine.control,
        StackDumps(database),
        work,
        figures,
        engine.rescuer,
        engine.queue,
        engine.progress,
        Audit(database),
        lambda: settings.rq_worker_count if settings.worker_mode.has_threads else 0,
    )
    alerting = Alerting(
        engine,
        upkeep,
        channels,
        thresholds_of(settings),
        workers_expected=lambda: workers_expected(settings, engine.control),
        work=work,
        folder=settings.data_dir,
        key_fits=partial(key_check.fits, database, box),
        maintenance_every_s=settings.maintenance_every,
        owner=process_name(),
        lock=settings.run_dir / "database.alert",
        lacks=lacks,
        probe=lambda: describers.probe(live.current, describer.describers),
        probe_every_s=settings.describer_probe_every,
        quiet_s=lambda channel: quiet_s(live.current, channel),
        always=(address.follow, engine.wish.follow),
    )

    error_policies = ErrorPolicies(Figures(database), *retries_of(settings))

    def adopt(changed: Settings) -> None:
        engine.adopt(options_of(changed))
        error_policies.adopt(*retries_of(changed))
        alerting.adopt(thresholds_of(changed), changed.maintenance_every)
        work.patience_s = changed.alert_stuck_task
        of_tasks.ages = content.ages = ages_of(changed)
        describer.use(describers.makers(changed))
        longest, parallel = changed.caption_max_length, describers.parallel_of(changed, describer)
        captions.adopt(picture_limits_of(changed), longest, parallel)

    users = UserStore(database)
    live = LiveSettings(database, settings, adopt)
    local_models = LocalModels(models, hub, engine.queue, live, Audit(database), ollama)
    return Services(
        settings=settings,
        database=database,
        box=box,
        users=users,
        people=UserAdministration(users, PasswordLinks(users, box), Audit(database)),
        accounts=accounts,
        drafts=captions.drafts,
        pictures=pictures,
        describer=describer,
        lacks=lacks,
        store=store,
        health=health,
        progress=engine.progress,
        page_channel=page_channel,
        overview=Overview(
            Seen(
                database=database,
                figures=figures,
                series=Series(database),
                roster=roster,
                control=engine.control,
                rescuer=engine.rescuer,
                queues=engine.administration.queues,
                health=health,
                state=engine.state,
                ledger=engine.ledger,
                alerts=alerting.alerts,
                workers_expected=lambda: workers_expected(settings, engine.control),
                describers=lambda: live.current.describers,
            )
        ),
        error_policies=error_policies,
        queue=engine.queue,
        engine=engine,
        administration=engine.administration,
        worker_administration=worker_administration,
        waiting=waiting,
        audit=Audit(database),
        alerts=alerting.alerts,
        alert_desk=AlertDesk(alerting.alerts, channels, Audit(database)),
        redis_address=address,
        chores=chores,
        upkeep=upkeep,
        live=live,
        local_models=local_models,
        loops=(live.loop, *engine.loops, *alerting.loops),
    )


def channels_of(settings: Settings) -> dict[str, Channel]:
    """Return the ways in which administrators are told of alerts, by name."""
    channels: dict[str, Channel] = {}
    if settings.rq_alert_webhook_url:
        channels["webhook"] = Webhook(settings.rq_alert_webhook_url)
    if settings.alert_slack_url:
        channels["slack"] = Slack(settings.alert_slack_url)
    if settings.alert_ntfy_url:
        channels["ntfy"] = Ntfy(settings.alert_ntfy_url, settings.alert_ntfy_token)
    receivers = [one.strip() for one in settings.alert_email_to.split(",") if one.strip()]
    if receivers:
        channels["mail"] = Mail(settings.smtp_url, settings.alert_email_from, receivers)
    return channels


def workers_expected(settings: Settings, control: WorkerControl) -> int:
    """Return how many workers have to be at work in the cluster at least.

    Raises:
        DatabaseUnavailable: nobody can say what administrators want.
    """
    mode, wishes = settings.worker_mode, control.all()
    scaled = {group: one.scale.least for group, one in wishes.items() if one.scale}
    inside = scaled.pop(INTEGRATED, settings.rq_worker_count)
    outside = max(1, settings.external_processes) if mode.has_processes else 0
    pools = control.pools() if scaled else []
    # Without one that gives a sign they are missing, unless they were all asked to stop.
    if pools or (scaled and not any(scaled.values())):
        outside = sum(size.least for size in pools)
    return outside + (inside if mode.has_threads else 0)


def hub_of(settings: Settings) -> Hub:
    """Return the hub that models are fetched from."""
    return Hub(settings.model_hub_url, stalled_s=settings.model_hub_timeout)
