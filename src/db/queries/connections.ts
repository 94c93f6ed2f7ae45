import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

export interface ReachableRow {
  readonly connection_id: string;
  readonly kind: "voice" | "dnc";
  readonly vendor: string;
  readonly config: Record<string, unknown>;
  readonly status: string;
  readonly inbox_keeps: "raw" | "envelope";
  readonly sealed: unknown;
}

/** A connection with the newest version of its sealed credential. */
export function reachableConnection(id: string): Statement {
  return {
    name: "connections.reachable",
    text: `select c.id as connection_id, c.kind, c.vendor, c.config, c.status, c.inbox_keeps, k.sealed
      from connections c
      join lateral (select x.sealed from credentials x where ${inOrg("x")} and x.connection_id = c.id order by x.version desc limit 1) k on true
      where ${inOrg("c")} and c.id = $1 and c.status <> 'disabled'`,
    params: [id],
  };
}

/** Attempts of a connection that its provider may still ring. */
export function openAttemptsOfConnection(id: string): Statement {
  return {
    name: "dial_attempts.open_of_connection",
    text: `select count(*) as open from dial_attempts a
      where ${inOrg("a")} and a.connection_id = $1 and a.state in ('permitted', 'dialing', 'unknown', 'placed', 'in_progress')`,
    params: [id],
  };
}
