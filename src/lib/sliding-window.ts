/** At most `limit` in any `windowSeconds`. */
export interface Quota {
  readonly limit: number;
  readonly windowSeconds: number;
}

export interface Admission {
  readonly allowed: boolean;
  /** The instant by the log's own clock, by which it is to be kept. */
  readonly atMs: number;
  /** How many more would be admitted now. */
  readonly remaining: number;
  /** Until more than that will be: after a refusal, until the next is admitted. */
  readonly resetMs: number;
}

/**
 * A log of what was admitted: exactly, never more than `limit` in any window, wherever it begins. What is refused is not
 * counted, so that who asks too often waits no longer for it. It holds at most `limit` entries, one a millisecond.
 */
export class SlidingWindow {
  /** How many were admitted in each millisecond, the oldest first. */
  readonly #admitted = new Map<number, number>();
  #size = 0;
  #seenMs: number;
  #aheadMs = 0;

  /**
   * @param admitted What is known from before: when at the latest, and how many, the oldest first.
   * @param seenMs An instant that had been reached by then.
   */
  constructor(admitted: Iterable<readonly [ms: number, count: number]> = [], seenMs = Number.NEGATIVE_INFINITY) {
    for (const [ms, count] of admitted) this.#add(ms, count);
    this.#seenMs = seenMs;
  }

  /** How many are held, and may count still. */
  get size(): number {
    return this.#size;
  }

  take(nowMs: number, { limit, windowSeconds }: Quota): Admission {
    const windowMs = windowSeconds * 1000;
    const now = this.#standing(nowMs);
    this.#forget(now - windowMs);
    const allowed = this.#size < limit;
    if (allowed) this.#add(now, 1);
    return {
      allowed,
      atMs: now,
      remaining: Math.max(limit - this.#size, 0),
      resetMs: this.#freesAt(limit) + windowMs - now,
    };
  }

  /**
   * The instant by this log's own clock, which only goes forward. Where the given one goes back, no time is taken to have
   * passed and this one stays ahead from then on: nothing is admitted too early, and nobody waits out the difference.
   * It stays ahead by no more than the given one went back for certain, because each millisecond lets go of older entries.
   */
  #standing(ms: number): number {
    const lagMs = this.#seenMs - (ms + this.#aheadMs);
    if (lagMs > 0) this.#aheadMs += lagMs;
    this.#seenMs = ms + this.#aheadMs;
    return this.#seenMs;
  }

  #add(ms: number, count: number): void {
    this.#admitted.set(ms, (this.#admitted.get(ms) ?? 0) + count);
    this.#size += count;
  }

  #forget(untilMs: number): void {
    for (const [ms, count] of this.#admitted) {
      if (ms > untilMs) return;
      this.#admitted.delete(ms);
      this.#size -= count;
    }
  }

  /** The instant of the entry with whose end there is room for more. Mostly the oldest; a quota that was lowered needs several. */
  #freesAt(limit: number): number {
    let left = this.#size;
    let at = this.#seenMs;
    for (const [ms, count] of this.#admitted) {
      at = ms;
      left -= count;
      if (left < limit) break;
    }
    return at;
  }
}
