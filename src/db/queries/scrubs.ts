import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";
import type { ReachRow } from "./dispatch.ts";

export interface ScrubDueRow {
  readonly lead_id: string;
  readonly person_id: string;
  readonly e164: string;
  readonly state: string | null;
  readonly candidate_states: string;
  readonly consent_at: string | null;
}
export const takeScrubDue = (max: number): Statement => ({
  name: "app.take_scrub_due",
  text: "select * from app.take_scrub_due($1)",
  params: [max],
});

export interface DncConnectionRow extends ReachRow {
  readonly credential_version: number;
  /** The org's own, beside what the law demands. */
  readonly added_lists: readonly string[];
}
/** The org's active sources of do-not-call answers, the oldest first. */
export const activeDncConnections = (): Statement => ({
  name: "scrubs.connections",
  text: `select c.id as connection_id, c.vendor, c.config, k.version as credential_version, k.sealed,
      (select y.added_lists from calling_policies y where ${inOrg("y")}) as added_lists
    from connections c left join lateral (select x.version, x.sealed from credentials x
      where ${inOrg("x")} and x.connection_id = c.id order by x.version desc limit 1) k on true
    where ${inOrg("c")} and c.kind = 'dnc' and c.status = 'active' order by c.id limit 10`,
  params: [],
});

export interface ScrubbedSinceRow {
  readonly id: string;
  readonly scrubbed: boolean;
}
/**
 * A do-not-call provider that was disconnected, and whether another one has scrubbed since; no row where none was. Ids
 * sort by the instant of their making, so that the newest answer says whose turn it was last.
 */
export const scrubbedSinceDisconnect = (): Statement => ({
  name: "scrubs.since_disconnect",
  text: `select d.id, coalesce((select c.status <> 'disabled' from scrubs s join connections c on ${inOrg("c")} and c.id = s.connection_id
      where ${inOrg("s")} order by s.id desc limit 1), false) as scrubbed
    from connections d where ${inOrg("d")} and d.kind = 'dnc' and d.status = 'disabled' order by d.id limit 1`,
  params: [],
});

/** The failing source's incident behind this halt, and whether a connected one has answered a list since; no row where none is. */
export const scrubbedSinceHalt = (haltId: string): Statement => ({
  name: "scrubs.since_halt",
  text: `select i.id, exists (select 1 from scrubs s join connections c on ${inOrg("c")} and c.id = s.connection_id
      where ${inOrg("s")} and s.id > $1 and s.result <> 'unknown' and s.kind <> 'line_type' and c.status = 'active') as scrubbed
    from incidents i where ${inOrg("i")} and i.halt_id = $1 and i.code = 'dnc_source_failing' limit 1`,
  params: [haltId],
});

/** Other lists are demanded, or can be had, than when the leads were asked about: all are asked about again. */
export const scrubAllAgain = (): Statement => ({
  name: "scrubs.all_again",
  text: `update leads l set scrub_due_at = app.now() where ${inOrg("l")} and l.status = 'eligible' and l.scrub_due_at > app.now()`,
  params: [],
});

/** No active source covers any list of these leads: they wait until that changes. */
export const putOffScrubs = (leadIds: readonly string[], dueAt: string): Statement => ({
  name: "scrubs.put_off",
  text: `update leads l set scrub_due_at = $2 where ${inOrg("l")} and l.id = any ($1::uuid[])`,
  params: [leadIds, dueAt],
});

export interface ScrubColumns {
  readonly runId: string;
  readonly connectionId: string;
  readonly responseDigest: string;
  readonly answers: readonly {
    readonly id: string;
    readonly personId: string;
    readonly list: string;
    readonly kind: string;
    readonly result: string;
    readonly listVersionAt: string | null;
  }[];
  readonly leads: readonly { readonly id: string; readonly dueAt: string }[];
}
export const recordScrubs = ({ runId, connectionId, responseDigest, answers, leads }: ScrubColumns): Statement => ({
  name: "app.record_scrubs",
  text: `select listed, attempts_cancelled, enrolments_closed from app.record_scrubs($1, $2, $3, $4::uuid[], $5::uuid[], $6::text[], $7::text[],
    $8::text[], $9::timestamptz[], $10::uuid[], $11::timestamptz[])`,
  params: [
    runId,
    connectionId,
    responseDigest,
    answers.map((answer) => answer.id),
    answers.map((answer) => answer.personId),
    answers.map((answer) => answer.list),
    answers.map((answer) => answer.kind),
    answers.map((answer) => answer.result),
    answers.map((answer) => answer.listVersionAt),
    leads.map((lead) => lead.id),
    leads.map((lead) => lead.dueAt),
  ],
});
