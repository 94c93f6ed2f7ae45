/** Who may do what, asked: every operation by every kind of caller, in their own org, another's, and one they were removed from. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApp } from "../../src/http/app.ts";
import { type OperationId, operations as ruled, rolesFrom, roles, type Rule } from "../../src/domain/access/operations.ts";
import { scopes } from "../../src/domain/access/scopes.ts";
import { mintApiKey } from "../../src/lib/api-key.ts";
import { hexOf } from "../../src/lib/bytes.ts";
import { type IdKind, idPrefixes, publicId } from "../../src/lib/ids.ts";
import { watchFootprint } from "../support/footprint.ts";
import { reportAccess } from "../support/report.ts";
import { makeMember, makePerson, makeSession } from "../support/users.ts";
import { newId } from "../support/world.ts";
import { openTenants, type Tenants, tenantTables } from "./tenants.ts";

interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly isPublic: boolean;
  readonly idKind: IdKind | null;
  readonly example: Record<string, unknown> | null;
}
type Target = "own" | "other" | "removed";
interface Asked {
  readonly status: number;
  readonly code: string | null;
  /** As it was told, but for what differs between any two answers. */
  readonly told: string;
}
interface Principal {
  readonly name: string;
  /** What it may, by the table alone; for machines null roles. */
  readonly role: (typeof roles)[number] | null;
  readonly scopes: readonly string[] | null;
  /** Known to nobody, or no more. */
  readonly dead: boolean;
  /** Its headers while it is of the first org, and after it was removed from it. */
  readonly headers: Readonly<Record<string, string>>;
  readonly removed: Readonly<Record<string, string>>;
}

let t: Tenants;
let operations: readonly Operation[];
let principals: readonly Principal[];
const own = new Map<string, string>();
const foreign = new Map<string, string>();

beforeAll(async () => {
  t = await openTenants();
  operations = await readOperations();
  for (const { idKind } of operations) {
    if (idKind === null) continue;
    own.set(idKind, await idIn(idKind, t.a.orgId));
    foreign.set(idKind, await idIn(idKind, t.b.orgId));
  }
  principals = await makePrincipals();
}, 180_000);
afterAll(() => t.house.close());

async function readOperations(): Promise<Operation[]> {
  const document = (await (await createApp().request("/openapi.json", {}, t.house.api.deps)).json()) as {
    paths: Record<string, Record<string, Record<string, unknown>>>;
    components: { schemas: Record<string, { example?: Record<string, unknown> }> };
  };
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const body = operation["requestBody"] as { content: Record<string, { schema: { $ref?: string } }> } | undefined;
      const named = body?.content["application/json"]?.schema.$ref?.split("/").at(-1) ?? "";
      const parameters = (operation["parameters"] ?? []) as { name: string; schema?: { example?: unknown } }[];
      const example = String(parameters.find(({ name }) => name === "id")?.schema?.example ?? "");
      const isPublic = operation["x-public"] === true;
      return {
        id: String(operation["operationId"]),
        method: method.toUpperCase(),
        path,
        isPublic,
        idKind: path.includes("{id}") && !isPublic ? kindOf(example) : null,
        example: document.components.schemas[named]?.example ?? null,
      };
    }),
  );
}
function kindOf(text: string): IdKind {
  const kind = (Object.keys(idPrefixes) as IdKind[]).find((one) => text.startsWith(`${idPrefixes[one]}_`));
  if (kind === undefined) throw new Error(`the id ${text} is of no kind`);
  return kind;
}

/** Where a row of each kind of id is that an operation may use up. */
const rowOf: Partial<Record<IdKind, string>> = {
  seller: "select id from sellers where org_id = $1 order by id",
  connection: "select id from connections where org_id = $1 and status = 'active' order by id",
  campaign: "select id from campaigns where org_id = $1 order by id",
  lead: "select id from leads where org_id = $1 order by id",
  import: "select id from imports where org_id = $1 order by id",
  consentEvent: "select id from consent_events where org_id = $1 order by id",
  attempt: "select id from dial_attempts where org_id = $1 order by id",
  call: "select id from calls where org_id = $1 order by id",
  halt: "select id from halts where org_id = $1 order by id",
  incident: "select id from incidents where org_id = $1 order by id",
  decision: "select id from decisions where org_id = $1 order by id",
  person: "select id from persons where org_id = $1 order by id",
  position: "select id from counsel_positions where org_id = $1 order by id",
  invitation: "select id from invitations where org_id = $1 order by id",
  supportGrant: "select id from support_grants where org_id = $1 order by id",
  tokenIssuer: "select id from token_issuers where org_id = $1 order by id",
};
async function idIn(kind: IdKind, orgId: string): Promise<string> {
  const { admin } = t.house.api.db;
  if (kind === "apiKey") return publicId(kind, await addKey(orgId, [], {}).then(({ id }) => id));
  if (kind === "user" || kind === "session" || kind === "passkey" || kind === "identity") {
    const person = await makePerson(t.house.api.db);
    await makeMember(t.house.api.db, orgId, person.userId, "viewer");
    if (kind === "user") return publicId(kind, person.userId);
    if (kind === "identity") return publicId(kind, await addIdentity(person.userId));
    const session = await makeSession(t.house.api.db, t.house.api.deps.hashApiKey, person.userId, new Date().toISOString());
    return publicId(kind, session.id);
  }
  const sql = rowOf[kind];
  if (sql === undefined) throw new Error(`nobody says where a row of the kind ${kind} is`);
  const id = (await admin(`${sql} limit 1`, [orgId])).rows[0]?.["id"];
  if (typeof id !== "string") throw new Error(`the org has no ${kind}`);
  return publicId(kind, id);
}

async function addIdentity(userId: string): Promise<string> {
  const id = newId();
  const sql = `insert into oidc_identities (id, provider, issuer, subject, user_id, created_at, last_used_at)
    values ($1, 'google', 'https://accounts.google.com', $1::uuid::text, $2, now(), now())`;
  await t.house.api.db.admin(sql, [id, userId]);
  return id;
}

async function addKey(orgId: string, given: readonly string[], more: { sponsor?: string; expired?: boolean; revoked?: boolean }) {
  const key = mintApiKey(newId(), false, crypto.getRandomValues(new Uint8Array(32)));
  const hash = hexOf(await t.house.api.deps.hashApiKey(key.clear));
  await t.house.api.db.admin(
    `insert into api_keys (org_id, id, name, secret_hash, scopes, created_at, sponsor_id, expires_at, revoked_at)
       values ($1, $2, 'matrix', decode($3, 'hex'), $4, '2026-01-01', $5, $6, $7)`,
    [
      orgId,
      key.id,
      hash,
      [...given],
      more.sponsor ?? null,
      more.expired ? "2026-01-02T00:00:00Z" : null,
      more.revoked ? "2026-01-02T00:00:00Z" : null,
    ],
  );
  return { id: key.id, headers: { authorization: `Bearer ${key.clear}` } };
}

async function makePrincipals(): Promise<Principal[]> {
  const { db, deps } = t.house.api;
  const now = deps.now();
  const person = async (role: (typeof roles)[number]): Promise<Principal> => {
    const [member, former] = [await makePerson(db), await makePerson(db)];
    await makeMember(db, t.a.orgId, member.userId, role);
    const [session, removed] = [
      await makeSession(db, deps.hashApiKey, member.userId, now),
      await makeSession(db, deps.hashApiKey, former.userId, now),
    ];
    // A person may make organisations of their own: each says which is meant.
    const named = { "dialgate-org": publicId("org", t.a.orgId) };
    return { name: role, role, scopes: null, dead: false, headers: { ...session.headers, ...named }, removed: { ...removed.headers, ...named } };
  };
  const former = await makePerson(db);
  const key = async (name: string, given: readonly string[], more: { expired?: boolean; revoked?: boolean } = {}): Promise<Principal> => ({
    name,
    role: null,
    scopes: given,
    dead: more.expired === true || more.revoked === true,
    headers: (await addKey(t.a.orgId, given, more)).headers,
    removed: (await addKey(t.a.orgId, given, { ...more, sponsor: former.userId })).headers,
  });
  const dead = (name: string, headers: Record<string, string>): Principal =>
    ({ name, role: null, scopes: [], dead: true, headers, removed: headers });
  return [
    ...(await Promise.all(roles.map(person))),
    dead("no session", {}),
    await key("read key", scopes.filter((scope) => scope.endsWith(":read"))),
    await key("write key", scopes),
    await key("expired key", scopes, { expired: true }),
    await key("revoked key", scopes, { revoked: true }),
    dead("foreign token", { authorization: `Bearer ${foreignToken()}` }),
  ];
} // prettier-ignore

/** Well formed, and of an issuer that is not registered here. */
function foreignToken(): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: "https://idp.example", aud: `https://api.dialgate.test/${publicId("tokenIssuer", newId())}`, sub: "x", iat: now, exp: now + 600 };
  return `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}.${"A".repeat(43)}`;
} // prettier-ignore

/** What the table says: a status and code that must come, or `served`: whatever comes, it is no refusal of the caller. */
function expected(operation: Operation, principal: Principal, target: Target): string {
  if (operation.isPublic) return "public";
  const rule: Rule = ruled[operation.id as OperationId];
  if (principal.dead) return "401 unauthorized";
  const isMachine = principal.scopes !== null;
  if (isMachine && target === "removed") return "401 unauthorized";
  if (isMachine && target === "other" && operation.idKind === null) return "404 not_found";
  if (isMachine && rule.scope === "people") return "403 people_only";
  if (isMachine) {
    if (rule.scope !== "any" && !principal.scopes.includes(rule.scope)) return "403 scope_missing";
    return target === "other" ? "as missing" : "served";
  }
  // A person's own matters are of no org.
  if (rule.role === null) return operation.idKind === null ? "served" : "as missing";
  if (target === "removed" || (target === "other" && operation.idKind === null)) return "404 not_found";
  if (!rolesFrom(rule.role).includes(principal.role ?? "viewer")) return "403 role_missing";
  return target === "other" ? "as missing" : "served";
}

/** A session that goes on under another token: its browser sends that one from then on. */
const renewed = new Map<string, string>();
const currentCookie = (headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  headers["cookie"] === undefined ? headers : { ...headers, cookie: renewed.get(headers["cookie"]) ?? headers["cookie"] };

async function ask(operation: Operation, asked: Readonly<Record<string, string>>, id: string | null): Promise<Asked> {
  const headers = currentCookie(asked);
  const isFile = operation.path.endsWith("/file");
  const answer = await t.house.api.send(operation.method, operation.path.replace("{id}", id ?? "").replace(/\{\w+\}/, "x"), {
    headers: {
      ...headers,
      ...(isFile ? { "content-type": "text/csv", "content-length": "1" } : {}),
      ...(operation.method === "POST" && operation.path.startsWith("/v1/") ? { "idempotency-key": newId() } : {}),
    },
    ...(isFile ? { raw: "x" } : operation.example === null ? {} : { body: operation.example }),
  });
  const cookie = /^__Host-dialgate-session=[^;]+/.exec(answer.headers.get("set-cookie") ?? "")?.[0];
  if (cookie !== undefined && asked["cookie"] !== undefined) renewed.set(asked["cookie"], cookie);
  const told = [
    answer.status,
    [...answer.headers].filter(([name]) => !["request-id", "date", "ratelimit", "set-cookie"].includes(name)).join("\n"),
    answer.text.replaceAll(/req_[a-z0-9]{26}/g, "req"),
  ];
  return { status: answer.status, code: answer.json?.code ?? null, told: told.join("\n") };
}

const refusalsOfCallers = new Set([
  "unauthorized",
  "scope_missing",
  "role_missing",
  "people_only",
  "second_factor_missing",
  "second_factor_due",
  "org_required",
  "cross_site",
]);

async function cell(operation: Operation, principal: Principal, target: Target): Promise<string | null> {
  const name = `${operation.id} by ${principal.name} on ${target}`;
  const wanted = expected(operation, principal, target);
  const id = operation.idKind === null ? null : ((target === "other" ? foreign : own).get(operation.idKind) ?? null);
  const other = target === "other" && operation.idKind === null ? { "dialgate-org": publicId("org", t.b.orgId) } : {};
  const headers = { ...(target === "removed" ? principal.removed : principal.headers), ...other };
  const asked = await ask(operation, headers, id);
  if (asked.status >= 500) return `${name}: ${asked.told}`;
  const got = `${asked.status} ${asked.code}`;
  if (wanted === "public") return asked.code === "unauthorized" && operation.path.startsWith("/v1/") ? `${name}: ${got}` : null;
  if (wanted === "served") return refusalsOfCallers.has(asked.code ?? "") ? `${name}: ${got}, which the table allows` : null;
  if (wanted !== "as missing") {
    if (got !== wanted) return `${name}: ${got} in place of ${wanted}`;
    if (target !== "other" || wanted !== "404 not_found") return null;
  }
  const never = operation.idKind === null ? null : publicId(operation.idKind, newId());
  const missing = await ask(operation, operation.idKind === null ? { ...headers, "dialgate-org": publicId("org", newId()) } : headers, never);
  const plain = (text: string) => text.replaceAll(id ?? "-", "ID").replaceAll(never ?? "-", "ID");
  return plain(asked.told) === plain(missing.told) ? null : `${name}: another's is told apart from a missing one\n${asked.told}\n${missing.told}`;
} // prettier-ignore

describe("who may do what", () => {
  test("each operation of the document is a row of the one table, or public", () => {
    expect(operations.filter(({ isPublic }) => !isPublic).map(({ id }) => id).toSorted()).toEqual(Object.keys(ruled).toSorted());
  }); // prettier-ignore

  test("every cell comes out as the table says, and a viewer and whoever is nobody write nothing", async () => {
    const wrong: string[] = [];
    const counts: Record<string, number> = {};
    let cells = 0;
    // Those who may write come last: what they use up is there for everyone before.
    const harmless = (one: Principal) => one.dead || one.name === "viewer" || one.name === "read key";
    const run = async (some: readonly Principal[]) => {
      for (const operation of operations) {
        for (const principal of some) {
          for (const target of ["other", "removed", "own"] as const) {
            cells += 1;
            const wanted = expected(operation, principal, target);
            counts[wanted] = (counts[wanted] ?? 0) + 1;
            const fault = await cell(operation, principal, target);
            if (fault !== null) wrong.push(fault);
          }
        }
      }
    };
    const watched = await watchFootprint(t.house.api.db.admin, await tenantTables(t.house.api.db.admin));
    // What is people's own stands on the platform's chain.
    const footprint = () => watched([t.a.orgId, t.b.orgId]);
    const before = await footprint();
    await run(principals.filter(harmless));
    const writes = (await footprint()) === before ? 0 : 1;
    await run(principals.filter((one) => !harmless(one)));
    const control = (await footprint()) === before ? 0 : 1;
    expect(wrong).toEqual([]);
    expect({ writes, control }).toEqual({ writes: 0, control: 1 });
    const total = operations.length * principals.length * 3;
    expect(cells).toBe(total);
    reportAccess("matrix", { operations: operations.length, principals: principals.length, cells, undecided: total - cells, wrong: 0, ...counts });
    console.log(`matrix: ${cells} cells of ${operations.length} operations, 0 wrong: ${JSON.stringify(counts)}`);
  }, 240_000); // prettier-ignore
});
