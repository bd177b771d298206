/** Work that news asks for: done at once, never twice at a time, and once more after the last news. */

/**
 * @param {() => Promise<any>} work
 * @param {number} restMs milliseconds that it rests before the next time
 * @returns {() => void} asks for it
 */
export function coalesced(work, restMs) {
  let isBusy = false;
  let isAsked = false;
  return async function asked() {
    isAsked = true;
    if (isBusy) return;
    isBusy = true;
    while (isAsked) {
      isAsked = false;
      try {
        await work();
      } catch {
        // The next news asks again.
      }
      await new Promise((go) => setTimeout(go, restMs));
    }
    isBusy = false;
  };
}
