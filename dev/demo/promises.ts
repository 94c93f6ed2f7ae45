/**
 * The demo's own auditor. It believes nothing that the product says of itself: it compares the simulators' own ledger of
 * calls with the calendar, the stops and the exported chain.
 */
import { verifyChain } from "../../src/lib/audit-chain.ts";
import type { Json } from "./api-client.ts";

export interface SimulatedCall {
  readonly attemptId: string;
  readonly toNumber: string;
  /** Account time, in seconds, at which the provider accepted it. */
  readonly acceptedAt: number;
}
export interface Kept {
  readonly name: string;
  readonly kept: boolean;
  readonly detail: string;
}

interface Evidence {
  readonly org: string;
  readonly expected: Json;
  readonly imported: Json;
  readonly calls: readonly SimulatedCall[];
  readonly attempts: readonly Json[];
  readonly leads: ReadonlyMap<string, { readonly phone: string; readonly zones: readonly string[] }>;
  readonly stops: readonly { readonly phone: string; readonly at: number }[];
  readonly audit: { readonly entries: readonly Json[]; readonly head: { readonly seq: number; readonly hash: string } };
  readonly wire: readonly string[];
  readonly canaries: readonly string[];
}

export async function checkPromises(evidence: Evidence): Promise<Kept[]> {
  return [
    countsAsExpected(evidence),
    dialed(evidence),
    oneCallPerAttempt(evidence),
    allowBehindEach(evidence),
    insideHours(evidence),
    stopMeansNow(evidence),
    nothingPersonal(evidence),
    await chainHolds(evidence),
  ];
}

function countsAsExpected({ expected, imported }: Evidence): Kept {
  const same = (a: Json, b: Json) =>
    JSON.stringify(Object.entries(a).toSorted()) === JSON.stringify(Object.entries(b).toSorted());
  const kept =
    imported.rows_in === expected.rows &&
    imported.accepted === expected.accepted &&
    imported.eligible === expected.eligible &&
    same(imported.rejected, expected.rejected) &&
    same(imported.ineligible, expected.ineligible);
  const rejected = (Object.values(imported.rejected) as number[]).reduce((sum, count) => sum + count, 0);
  return {
    name: "rows in = accepted + rejected, as counted by hand",
    kept: kept && imported.rows_in === imported.accepted + rejected,
    detail: `${imported.rows_in} = ${imported.accepted} + ${rejected}`,
  };
}

/** The control beside every "0": a system that dials nothing also makes no wrong dial. */
function dialed({ calls }: Evidence): Kept {
  return { name: "the healthy system does dial", kept: calls.length > 100, detail: `${calls.length} calls at the providers` };
}

function oneCallPerAttempt({ calls }: Evidence): Kept {
  const seen = new Map<string, number>();
  for (const call of calls) seen.set(call.attemptId, (seen.get(call.attemptId) ?? 0) + 1);
  const twice = [...seen.values()].filter((count) => count > 1).length;
  return {
    name: "at most one call for each attempt",
    kept: twice === 0,
    detail: `${twice} of ${seen.size} attempts called twice`,
  };
}

function allowBehindEach({ calls, attempts }: Evidence): Kept {
  const known = new Map(attempts.map((attempt) => [attempt.id, attempt]));
  const orphans = calls.filter((call) => known.get(call.attemptId)?.decision_id === undefined).length;
  return { name: "a committed decision behind each call", kept: orphans === 0, detail: `${orphans} of ${calls.length} without` };
}

/** With the runtime's own calendar, not the product's zone tables: 8 to 21 o'clock in every zone of the lead. */
function insideHours({ calls, leads }: Evidence): Kept {
  const byPhone = new Map([...leads.values()].map((lead) => [lead.phone, lead.zones]));
  let [late, asked] = [0, 0];
  for (const call of calls) {
    for (const zone of byPhone.get(call.toNumber) ?? []) {
      const hour = Number(
        new Intl.DateTimeFormat("en-US", { timeZone: zone, hour: "2-digit", hourCycle: "h23" }).format(call.acceptedAt * 1000),
      );
      asked += 1;
      if (hour < 8 || hour >= 21) late += 1;
    }
  }
  return {
    name: "no call outside 8:00-21:00 where the person may be",
    kept: late === 0 && asked >= calls.length,
    detail: `${late} of ${asked} local times outside`,
  };
}

function stopMeansNow({ calls, stops }: Evidence): Kept {
  const stopped = new Map(stops.map((stop) => [stop.phone, stop.at]));
  const after = calls.filter((call) => call.acceptedAt > (stopped.get(call.toNumber) ?? Number.POSITIVE_INFINITY)).length;
  return {
    name: "no call to anyone who had said stop",
    kept: after === 0 && stops.length > 0,
    detail: `${after} after ${stops.length} stops`,
  };
}

function nothingPersonal({ wire, canaries }: Evidence): Kept {
  const found = canaries.filter((canary) => wire.some((body) => body.includes(canary))).length;
  return {
    name: "no mail, note or consent text reached a provider",
    kept: found === 0 && wire.length > 0,
    detail: `${found} of ${canaries.length} planted texts in ${wire.length} requests`,
  };
}

async function chainHolds({ org, audit }: Evidence): Promise<Kept> {
  const report = await verifyChain(audit.entries as never, { org, head: audit.head } as never);
  const faults = report.faults.length;
  return {
    name: "the audit chain verifies",
    kept: faults === 0 && audit.entries.length === audit.head.seq,
    detail: `${audit.entries.length} entries, ${faults} faults`,
  };
}
