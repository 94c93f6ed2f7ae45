import { type Quota, SlidingWindow } from "../lib/sliding-window.ts";
import { countRequest, type UsualRate } from "../lib/usual-rate.ts";

/** What is used of a Durable Object's own state. */
export interface ObjectState {
  readonly storage: {
    readonly sql: { exec(query: string, ...bindings: readonly unknown[]): { toArray(): Record<string, unknown>[] } };
    setAlarm(ms: number): Promise<void>;
    deleteAll(): Promise<void>;
  };
}

interface Asked extends Quota {
  readonly watchesUsual: boolean;
}
interface Kept {
  readonly window: SlidingWindow;
  usual: UsualRate | null;
  /** When the alarm goes off; infinite while none is known to be set. */
  alarmMs: number;
}

const dayMs = 86_400_000;
/** What is usual is kept this long after the last request; of a credential that was used in a single hour, not so long. */
const idleDays = { learned: 30, new: 2 };

/**
 * One bucket of one quota. It is the only place that counts it, one request after the other, so that the quota is exact
 * wherever in the world the requests arrive. Memory holds the log by the millisecond; the storage, which outlives it, holds
 * how many a second, read back as if each had come at its second's end: an eviction forgets nothing and admits no more.
 */
export class RateLimiterObject {
  readonly #state: ObjectState;
  readonly #milliseconds: () => number;
  #kept: Kept | undefined;

  constructor(state: ObjectState, milliseconds: () => number) {
    this.#state = state;
    this.#milliseconds = milliseconds;
  }

  /** Takes one. Nothing is awaited between the look and the count: no two requests see the same state. */
  async fetch(request: Request): Promise<Response> {
    const { limit, windowSeconds, watchesUsual } = (await request.json()) as Asked;
    const kept = (this.#kept ??= this.#read());
    const { allowed, atMs, remaining, resetMs } = kept.window.take(this.#milliseconds(), { limit, windowSeconds });
    const unusual = allowed && watchesUsual && countUsual(kept, atMs);
    if (allowed) {
      this.#write(atMs, windowSeconds, kept.usual);
      await this.#wakeBy(kept, atMs + windowSeconds * 1000);
    }
    return Response.json({ allowed, remaining, resetMs, unusual });
  }

  /** Drops what counts no longer, and when nothing is left everything: a bucket that nobody asks for costs nothing. */
  async alarm(): Promise<void> {
    const kept = (this.#kept ??= this.#read());
    kept.alarmMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#milliseconds();
    this.#sql("delete from taken where ends_ms <= ? and (usual is null or second < (select max(second) from taken))", nowMs);
    const [left] = this.#sql("select max(second) * 1000 as last_ms, max(ends_ms) as ends_ms from taken");
    const days = kept.usual === null ? 0 : kept.usual.hours > 0 ? idleDays.learned : idleDays.new;
    const endsMs = Math.max(Number(left?.["ends_ms"] ?? 0), Number(left?.["last_ms"] ?? 0) + days * dayMs);
    if (endsMs > nowMs) return this.#wakeBy(kept, endsMs);
    this.#kept = undefined;
    return this.#state.storage.deleteAll();
  }

  /** One alarm at a time: an earlier one that is set will look again. */
  async #wakeBy(kept: Kept, ms: number): Promise<void> {
    if (kept.alarmMs <= ms) return;
    kept.alarmMs = ms;
    await this.#state.storage.setAlarm(ms);
  }

  /** One row a request, and one a second in the end: rows written are what a bucket costs. The newest holds what is usual. */
  #write(atMs: number, windowSeconds: number, usual: UsualRate | null): void {
    const second = Math.floor(atMs / 1000);
    this.#sql(
      `insert into taken (second, count, ends_ms, usual) values (?, 1, ?, ?)
       on conflict (second) do update set count = count + 1, ends_ms = excluded.ends_ms, usual = excluded.usual`,
      second,
      endOf(second) + windowSeconds * 1000,
      usual === null ? null : JSON.stringify(usual),
    );
  }

  #read(): Kept {
    this.#sql(
      "create table if not exists taken (second integer primary key, count integer not null, ends_ms integer not null, usual text)",
    );
    const rows = this.#sql("select second, count, usual from taken order by second");
    const usual = rows.at(-1)?.["usual"];
    return {
      window: new SlidingWindow(
        rows.map((row) => [endOf(Number(row["second"])), Number(row["count"])] as const),
        rows.length === 0 ? undefined : Number(rows.at(-1)?.["second"]) * 1000,
      ),
      usual: typeof usual === "string" ? (JSON.parse(usual) as UsualRate) : null,
      alarmMs: Number.POSITIVE_INFINITY,
    };
  }

  #sql(query: string, ...bindings: readonly unknown[]): Record<string, unknown>[] {
    return this.#state.storage.sql.exec(query, ...bindings).toArray();
  }
}

function countUsual(kept: Kept, atMs: number): boolean {
  const { rate, unusual } = countRequest(kept.usual, atMs);
  kept.usual = rate;
  return unusual;
}

const endOf = (second: number): number => second * 1000 + 999;
