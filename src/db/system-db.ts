import type { SQL } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { drizzle } from "drizzle-orm/pg-proxy";
import { byteaText } from "../lib/bytes.ts";
import { publicId } from "../lib/ids.ts";
import type { Instant } from "../lib/instant.ts";
import { OrgDb, type Actor, type Bound, type OrgTable } from "./org-db.ts";
import type { Statement, Transport } from "./transport.ts";
import { unwrapDrizzle } from "./unwrap-drizzle.ts";

/** Tenant tables do not type-check here. */
type GlobalTable<T extends PgTable> = T extends OrgTable ? never : T;

export type WorkKind = "dial" | "import" | "reconcile" | "permits" | "inbox" | "outbox" | "scrub" | "standing" | "test_clock";

/** Who may do this is decided by the answer of the binding; a refusal is thrown before anything read leaves. */
export class AccessRefused extends Error {
  override readonly name = "AccessRefused";
  readonly reason: "unknown_principal" | "scope_missing";
  readonly scope: string | null;
  constructor(reason: "unknown_principal" | "scope_missing", scope: string | null) {
    super(`access refused: ${reason}`);
    this.reason = reason;
    this.scope = scope;
  }
}

/** Work that has no org yet, and the mint of the handles that have one. */
export class SystemDb {
  readonly #transport: Transport;
  readonly #newId: () => string;
  readonly #peppers: string;

  /** @param peppers what the worker holds (`NumberHasher.held`): said at every binding, because the gates read it. */
  constructor(transport: Transport, newId: () => string, peppers: string) {
    this.#transport = transport;
    this.#newId = newId;
    this.#peppers = peppers;
  }

  /** Before the worker hashes a number: no other may make a person any more without the peppers that this one holds. */
  async registerPeppers(): Promise<void> {
    await this.#rowsOf({ name: "app.register_peppers", text: "select app.register_peppers($1)", params: [this.#peppers] });
  }

  async find<T extends PgTable>(table: GlobalTable<T>, where: SQL | undefined, limit: number): Promise<T["$inferSelect"][]> {
    const db = drizzle(async (text, params) => ({ rows: await this.#rowsOf({ name: "find", text, params }) }));
    return (await unwrapDrizzle(
      db
        .select()
        .from(table as PgTable)
        .where(where)
        .limit(limit),
    )) as T["$inferSelect"][];
  }

  /** Orgs that have work of this kind due. Through a door: ids only. */
  async dueOrgs(work: WorkKind, realNow: Instant, orgsMax: number): Promise<string[]> {
    const statement = {
      name: "door.due_orgs",
      text: "select org_id from door.due_orgs($1, $2, $3)",
      params: [work, realNow, orgsMax],
    };
    return (await this.#rowsOf(statement)).map((row) => row[0] as string);
  }

  /** True when the database role could see past row-level security: then the worker refuses to serve. */
  async unsafeRole(): Promise<boolean> {
    return (await this.#rowsOf({ name: "app.unsafe_role", text: "select app.unsafe_role()", params: [] }))[0]?.[0] !== false;
  }

  /** For queue consumers, crons and the inbox, which know their message's org. */
  asOrg(orgId: string, actor: Actor, requestId: string, realNow: Instant): OrgDb {
    const statement = {
      name: "app.bind",
      text: `select org_id, now, livemode from app.bind($1, $2), ${held(3)}`,
      params: [orgId, realNow, this.#peppers],
    };
    return OrgDb.bind(this.#transport, { statement, actor, requestId, admit: requireBound }, this.#newId);
  }

  /** For a vendor's webhook: its path names a connection, whose org is bound; the signature is checked next, with that org's credential. */
  asWebhook(connectionId: string, requestId: string, realNow: Instant): OrgDb {
    const statement = {
      name: "app.bind_webhook",
      text: `select org_id, now, livemode, clock_moving from app.bind_webhook($1, $2), ${held(3)}`,
      params: [connectionId, realNow, this.#peppers],
    };
    const actor = { type: "webhook", id: publicId("connection", connectionId) } as const;
    return OrgDb.bind(this.#transport, { statement, actor, requestId, admit: requireBound }, this.#newId);
  }

  /** For a request with an API key: the key is proved, the org bound and the work done in one request. */
  asApiKey(key: { id: string; hash: Uint8Array; scope: string | null }, requestId: string, realNow: Instant): OrgDb {
    const statement = {
      name: "app.bind_api_key",
      text: `select org_id, now, livemode, scopes, org_name from app.bind_api_key($1, $2, $3, $4), ${held(5)}`,
      params: [key.id, byteaText(key.hash), realNow, key.scope, this.#peppers],
    };
    const admit = (bound: Bound | null): Bound => {
      const known = requireBound(bound);
      if (key.scope !== null && !known.scopes?.includes(key.scope)) throw new AccessRefused("scope_missing", key.scope);
      return known;
    };
    return OrgDb.bind(
      this.#transport,
      { statement, actor: { type: "api_key", id: publicId("apiKey", key.id) }, requestId, admit },
      this.#newId,
    );
  }

  async #rowsOf(statement: Statement): Promise<unknown[][]> {
    const [answer] = await this.#transport.batch([statement]);
    return answer === undefined ? [] : answer.rows.map((row) => [...row]);
  }
}

const held = (place: number): string => `set_config('app.peppers', $${place}, true)`;

function requireBound(bound: Bound | null): Bound {
  if (bound === null) throw new AccessRefused("unknown_principal", null);
  return bound;
}
