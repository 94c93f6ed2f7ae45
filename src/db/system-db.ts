import type { SQL } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { drizzle } from "drizzle-orm/pg-proxy";
import type { JobName } from "../lib/audit-actors.ts";
import { byteaText } from "../lib/bytes.ts";
import { publicId } from "../lib/ids.ts";
import type { Instant } from "../lib/instant.ts";
import { OrgDb, type Actor, type AuditEntry, type Bound, type OrgTable } from "./org-db.ts";
import type { Answer, Statement, Transport } from "./transport.ts";
import { unwrapDrizzle } from "./unwrap-drizzle.ts";

/** Tenant tables do not type-check here. */
type GlobalTable<T extends PgTable> = T extends OrgTable ? never : T;

export type WorkKind = "dial" | "import" | "reconcile" | "permits" | "inbox" | "outbox" | "scrub" | "standing" | "test_clock";

/** Why nobody, or not this one, may. The words are the database's: `refusal` of the functions that bind. */
export type AccessRefusal =
  | "unknown_principal"
  | "token_refused"
  | "scope_missing"
  | "role_missing"
  | "people_only"
  | "factor_due"
  | "factor_missing"
  | "org_required"
  | "org_none"
  | "org_unknown";

/** Who may do this is decided by the answer of the binding; a refusal is thrown before anything read leaves. */
export class AccessRefused extends Error {
  override readonly name = "AccessRefused";
  readonly reason: AccessRefusal;
  readonly demand: Demand | null;
  /** Of a machine whose scopes would let it: the person who answers for it, and may not. */
  readonly sponsorId: string | null;
  constructor(reason: AccessRefusal, demand: Demand | null, sponsorId: string | null = null) {
    super(`access refused: ${reason}`);
    this.reason = reason;
    this.demand = demand;
    this.sponsorId = sponsorId;
  }
}

/** What an operation demands of a principal. */
export interface Demand {
  /** A machine's credential carries it; null: people alone may. */
  readonly scope: string | null;
  /** A person's role is one of these, and that of who answers for a key; null: whoever is known may. */
  readonly roles: readonly string[] | null;
  /** The session has shown a second factor. */
  readonly factor: boolean;
  /** Appended in the request that reads. */
  readonly noted?: readonly AuditEntry[];
}
/** The request that is bound: its id, the real clock, and from which country it came, if that is known. */
export interface Asking {
  readonly requestId: string;
  readonly realNow: Instant;
  readonly country: string | null;
  /** And from which network, for the machines that are known by theirs. */
  readonly network: string | null;
}
/** A token whose signature held under that version of its issuer. */
export interface TokenProof {
  /** The issuer's uuid. */
  readonly issuerId: string;
  readonly version: number;
  readonly issuedAt: Instant;
  readonly expiresAt: Instant;
  /** What it asks for; null: all that its issuer may. */
  readonly scopes: readonly string[] | null;
  /** Whom it was issued for, as it may stand in an audit log. */
  readonly subject: string;
}
export interface SessionProof {
  readonly id: string;
  readonly userId: string;
  readonly hash: Uint8Array;
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

  /** Statements on tables without an org, in one request and one transaction. Bound to none, they see no tenant's row. */
  async query(...statements: readonly Statement[]): Promise<readonly Answer[]> {
    return this.#transport.batch(statements);
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

  /** For queue consumers, crons and the inbox, which know their message's org; and to keep the answer of a request that ended its own credential. */
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

  /** For a request with an API key, of the org that it names or of the key's: the key is proved, the org bound and the work done in one request. */
  asApiKey(
    key: { readonly id: string; readonly hash: Uint8Array },
    wantedOrg: string | null,
    demand: Demand,
    asking: Asking,
  ): OrgDb {
    const used = [key.id, byteaText(key.hash), asking.realNow, asking.network] as const;
    const statement = (notesUse: boolean): Statement => ({
      name: "app.bind_api_key",
      text: `select b.* from app.bind_api_key($1, $2, $3, $4, $5, $6, $7, $8) b, ${held(9)}`,
      params: [...used, notesUse, wantedOrg, demand.scope, demand.roles, this.#peppers],
    });
    return this.#admitted({ type: "api_key", id: publicId("apiKey", key.id) }, statement, demand, asking);
  }

  /** For the look at who may have signed a token, whose audience names its issuer's record: nothing of it is proved yet. */
  asTokenIssuer(issuerId: string, requestId: string, realNow: Instant): OrgDb {
    const statement = {
      name: "app.bind_token_issuer",
      text: `select b.* from app.bind_token_issuer($1, $2) b, ${held(3)}`,
      params: [issuerId, realNow, this.#peppers],
    };
    const actor = { type: "job", id: "token_keys" satisfies JobName } as const;
    return OrgDb.bind(this.#transport, { statement, actor, requestId, admit: requireBound }, this.#newId);
  }

  /** For a request with a token: that its issuer is still what the signature was tried with is proved with the work. */
  asToken(
    { issuerId, version, issuedAt, scopes, subject }: TokenProof,
    wantedOrg: string | null,
    demand: Demand,
    asking: Asking,
  ): OrgDb {
    const used = [issuerId, version, issuedAt, scopes, asking.realNow, asking.network] as const;
    const statement = (notesUse: boolean): Statement => ({
      name: "app.bind_token",
      text: `select b.* from app.bind_token($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) b, ${held(11)}`,
      params: [...used, notesUse, wantedOrg, demand.scope, demand.roles, this.#peppers],
    });
    const actor = { type: "token", id: publicId("tokenIssuer", issuerId), subject } as const;
    return this.#admitted(actor, statement, demand, asking);
  }

  /** For a person in one of their orgs; without a wanted org in the only one that they have. */
  asMember(session: SessionProof, wantedOrg: string | null, demand: Demand, asking: Asking): OrgDb {
    const statement = (notesUse: boolean): Statement => ({
      name: "app.bind_session",
      text: `select b.* from app.bind_session($1, $2, $3, $4, $5, $6, $7, $8, $9) b, ${held(10)}`,
      params: [...proofOf(session, asking), notesUse, wantedOrg, demand.roles, demand.factor, this.#peppers],
    });
    return this.#admitted({ type: "user", id: publicId("user", session.userId) }, statement, demand, asking);
  }

  /**
   * For an operator of the platform in an org that a support grant opened: whatever is asked is written on that org's chain. A
   * second factor is demanded always, unless `toNote` says that the handle only writes down what they were refused.
   */
  asOperator(
    session: SessionProof,
    wantedOrg: string,
    grantId: string,
    demand: Demand,
    asking: Asking,
    toNote: { readonly refusal: boolean } = { refusal: false },
  ): OrgDb {
    const statement = (notesUse: boolean): Statement => ({
      name: "app.bind_operator",
      text: `select b.* from app.bind_operator($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) b, ${held(11)}`,
      params: [...proofOf(session, asking), notesUse, wantedOrg, grantId, demand.roles, !toNote.refusal, this.#peppers],
    });
    const actor = { type: "operator", id: publicId("user", session.userId), grant: publicId("supportGrant", grantId) } as const;
    return this.#admitted(actor, statement, demand, asking);
  }

  /** For a person in their own matters, which are on the platform's chain. `stages`: of which sessions may do it. */
  asPerson(session: SessionProof, stages: readonly string[], demand: Demand, asking: Asking): OrgDb {
    const statement = (notesUse: boolean): Statement => ({
      name: "app.bind_person",
      text: `select b.* from app.bind_person($1, $2, $3, $4, $5, $6, $7, $8) b, ${held(9)}`,
      params: [...proofOf(session, asking), notesUse, stages, demand.factor, this.#peppers],
    });
    return this.#admitted({ type: "user", id: publicId("user", session.userId) }, statement, demand, asking);
  }

  /** For whoever is not known yet, and signs in. */
  asVisitor(requestId: string, realNow: Instant): OrgDb {
    const statement = {
      name: "app.bind",
      text: `select b.* from app.bind(app.platform(), $1) b, ${held(2)}`,
      params: [realNow, this.#peppers],
    };
    return OrgDb.bind(
      this.#transport,
      { statement, actor: { type: "visitor", id: requestId }, requestId, admit: requireBound },
      this.#newId,
    );
  }

  /** What a credential's own use writes commits by itself, so that no transaction holds its row while it waits for anything else. */
  #admitted(actor: Actor, statement: (notesUse: boolean) => Statement, demand: Demand, { requestId }: Asking): OrgDb {
    const admit = (bound: Bound | null, refusal: string | null): Bound => {
      if (refusal !== null) throw new AccessRefused(refusal as AccessRefusal, demand, bound?.sponsorId ?? null);
      return requireBound(bound);
    };
    const binding = { statement: statement(true), again: statement(false), actor, requestId, noted: demand.noted ?? [], admit };
    return OrgDb.bind(this.#transport, binding, this.#newId);
  }

  async #rowsOf(statement: Statement): Promise<unknown[][]> {
    const [answer] = await this.#transport.batch([statement]);
    return answer === undefined ? [] : answer.rows.map((row) => [...row]);
  }
}

const proofOf = (session: SessionProof, asking: Asking) =>
  [session.id, session.userId, byteaText(session.hash), asking.realNow, asking.country] as const;
const held = (place: number): string => `set_config('app.peppers', $${place}, true)`;

function requireBound(bound: Bound | null): Bound {
  if (bound === null) throw new AccessRefused("unknown_principal", null);
  return bound;
}
