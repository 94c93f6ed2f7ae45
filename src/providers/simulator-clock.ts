import * as z from "zod";
import { instantOf, secondsOf } from "../lib/instant.ts";
import type { Instant } from "../lib/instant.ts";
import type { Result } from "../lib/result.ts";
import { ok, refuse } from "../lib/result.ts";
import { readJson } from "./read-json.ts";
import { sendOnce } from "./send-once.ts";
import type { Fetch } from "./send-once.ts";

interface SimulatorTime {
  readonly now: Instant;
  /** The simulator's next event after its `now`: a test clock stops there and lets it be applied. */
  readonly nextEventAt: Instant | null;
}
/** The clock of a test org's simulated vendors. A live org has none. */
export interface SimulatorClock {
  next(account: string): Promise<Result<SimulatorTime, string>>;
  /** Fires every event up to and including `to`, each delivered and answered before this returns. Never goes back. */
  advance(account: string, to: Instant): Promise<Result<SimulatorTime, string>>;
}

// One step may deliver the webhooks of a whole batch of calls, each of which the worker may take seconds to answer.
const timeoutSeconds = 120;
const time = z.looseObject({ now: z.iso.datetime(), next_event_at: z.iso.datetime().nullable() });

export function simulatorClock({ origin, fetch }: { readonly origin: string; readonly fetch: Fetch }): SimulatorClock {
  const ask = async (account: string, body: string | null): Promise<Result<SimulatorTime, string>> => {
    const sent = await sendOnce(fetch, {
      method: body === null ? "GET" : "POST",
      url: `${origin}/_simulator/accounts/${encodeURIComponent(account)}/clock`,
      headers: body === null ? {} : { "content-type": "application/json" },
      body,
      timeoutSeconds,
      maxAnswerBytes: 64 * 1024,
    });
    if (sent.kind === "silent") return refuse(sent.reason);
    if (sent.status === 404) return refuse("account_not_registered");
    if (sent.status !== 200) return refuse(`status_${sent.status}`);
    const told = readJson(time, sent.body);
    if (told === null) return refuse("answer_unreadable");
    const { now, next_event_at: next } = told;
    return ok({ now: whole(now), nextEventAt: next === null ? null : whole(next) });
  };
  return { next: (account) => ask(account, null), advance: (account, to) => ask(account, JSON.stringify({ to })) };
}

const whole = (text: string): Instant => instantOf(secondsOf(`${text.slice(0, 19)}Z` as Instant));
