/** Who may do what, asked: every operation by every kind of caller, in their own org, another's, and one they were removed from. */
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApp } from "../../src/http/app.ts";
import { type OperationId, operations as ruled, rolesFrom, roles, type Rule } from "../../src/domain/access/operations.ts";
import { scopes } from "../../src/domain/access/scopes.ts";
import { mintApiKey } from "../../src/lib/api-key.ts";
import { hexOf } from "../../src/lib/bytes.ts";
import { type IdKind, idPrefixes, publicId } from "../../src/lib/ids.ts";
import { watchFootprint } from "../support/footprint.ts";
import { reportAccess } from "../support/report.ts";
import { mintToken, signerOf } from "../support/tokens.ts";
import { makeMember, makePerson, makeSession } from "../support/users.ts";
import { newId } from "../support/world.ts";
import { type Arranged, arrangementsOf, bodiesOf } from "./arrangements.ts";
import { openTenants, type Tenants, tenantTables } from "./tenants.ts";

interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly isPublic: boolean;
  readonly idKind: IdKind | null;
  readonly example: Record<string, unknown> | null;
}
const targets = ["other", "removed", "own"] as const;
type Target = (typeof targets)[number];
/** Who asks. A row that is left out, or made twice, leaves cells of this list undecided. */
const callers = [
  ...roles, "no session", "read key", "write key", "expired key", "revoked key", "unknown issuer's token", "other org's token",
] as const; // prettier-ignore
interface Asked {
  readonly status: number;
  readonly code: string | null;
  /** As it was told, but for what differs between any two answers. */
  readonly told: string;
  readonly requestId: string;
}
interface Principal {
  readonly name: (typeof callers)[number];
  /** Whose credential it is: the first org's, or the second's, to which the first is another. */
  readonly home: "own" | "other";
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
let bodies: Readonly<Record<"own" | "other", Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
let arrangements: ReturnType<typeof arrangementsOf>;

beforeAll(async () => {
  t = await openTenants();
  operations = await readOperations();
  for (const { idKind } of operations) {
    if (idKind === null) continue;
    own.set(idKind, await idIn(idKind, t.a.orgId));
    foreign.set(idKind, await idIn(idKind, t.b.orgId));
  }
  principals = await makePrincipals();
  bodies = { own: await bodiesOf(t, "a"), other: await bodiesOf(t, "b") };
  arrangements = arrangementsOf(t, (orgId) => addKey(orgId, ["leads:read"], {}));
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
  if (kind === "org") return publicId(kind, orgId);
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
    return { name: role, home: "own", role, scopes: null, dead: false, headers: { ...session.headers, ...named }, removed: { ...removed.headers, ...named } };
  };
  const former = await makePerson(db);
  const key = async (name: Principal["name"], given: readonly string[], more: { expired?: boolean; revoked?: boolean } = {}): Promise<Principal> => ({
    name,
    home: "own",
    role: null,
    scopes: given,
    dead: more.expired === true || more.revoked === true,
    headers: (await addKey(t.a.orgId, given, more)).headers,
    removed: (await addKey(t.a.orgId, given, { ...more, sponsor: former.userId })).headers,
  });
  const dead = (name: Principal["name"], headers: Record<string, string>): Principal =>
    ({ name, home: "own", role: null, scopes: [], dead: true, headers, removed: headers });
  return [
    ...(await Promise.all(roles.map(person))),
    dead("no session", {}),
    await key("read key", scopes.filter((scope) => scope.endsWith(":read"))),
    await key("write key", scopes),
    await key("expired key", scopes, { expired: true }),
    await key("revoked key", scopes, { revoked: true }),
    dead("unknown issuer's token", { authorization: `Bearer ${unknownToken()}` }),
    {
      name: "other org's token", home: "other", role: null, scopes: tokenScopes, dead: false,
      headers: await issuedToken(null), removed: await issuedToken(former.userId),
    },
  ];
} // prettier-ignore

const tokenScopes = scopes.filter((scope) => scope !== "api_keys:write" && scope !== "token_issuers:write");
/** Valid, and of an issuer that the second org registered. */
async function issuedToken(sponsor: string | null): Promise<Record<string, string>> {
  const [signer, issuer] = [signerOf("EdDSA"), `https://${newId()}.example`];
  const asked = { name: "Theirs", issuer, alg: "EdDSA", public_key: signer.jwk, scopes: tokenScopes };
  const { status, text, json } = await t.b.post("/v1/token_issuers", asked);
  if (status !== 201) throw new Error(text);
  await t.house.api.db.admin("update token_issuers set sponsor_id = $2 where issuer = $1", [issuer, sponsor]);
  const registered = { id: json.id, audience: json.audience, issuer, subject: "sync", signer, keyId: null };
  return { authorization: `Bearer ${mintToken(registered, Math.floor(Date.now() / 1000))}` };
}

/** Well formed, and of an issuer that is not registered here. */
function unknownToken(): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: "https://idp.example", aud: `https://api.dialgate.test/${publicId("tokenIssuer", newId())}`, sub: "x", iat: now, exp: now + 600 };
  return `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}.${"A".repeat(43)}`;
} // prettier-ignore

/** What a target is to who asks: one org's own is the other's other. */
const seenBy = ({ home }: Principal, target: Target): Target =>
  target === "removed" || home === "own" ? target : target === "other" ? "own" : "other";

/** What the table says: a status and code that must come, or `served`: success, or what `otherwise` lists of its operation. */
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

async function ask(
  operation: Operation,
  asked: Readonly<Record<string, string>>,
  id: string | null,
  { body, raw }: Pick<Arranged, "body" | "raw">,
): Promise<Asked> {
  const headers = currentCookie(asked);
  const isFile = operation.path.endsWith("/file");
  const answer = await t.house.api.send(operation.method, operation.path.replace(/\{\w+\}/, id ?? "x"), {
    headers: {
      ...headers,
      ...(isFile ? { "content-type": "text/csv", "content-length": "1" } : {}),
      ...(operation.method === "POST" && operation.path.startsWith("/v1/") ? { "idempotency-key": newId() } : {}),
    },
    ...(isFile ? { raw: "x" } : raw !== undefined ? { raw } : body === undefined ? {} : { body }),
  });
  const cookie = /^__Host-dialgate-session=[^;]+/.exec(answer.headers.get("set-cookie") ?? "")?.[0];
  if (cookie !== undefined && asked["cookie"] !== undefined) renewed.set(asked["cookie"], cookie);
  const told = [
    answer.status,
    [...answer.headers].filter(([name]) => !["request-id", "date", "ratelimit", "set-cookie"].includes(name)).join("\n"),
    answer.text.replaceAll(/req_[a-z0-9]{26}/g, "req"),
  ];
  const requestId = answer.headers.get("request-id") ?? "";
  return { status: answer.status, code: answer.json?.code ?? null, told: told.join("\n"), requestId };
}

/** Met where the example finds nothing to do, or who asked before has used it up. Anything else is no answer to one who may. */
const otherwise: Readonly<Record<string, readonly string[]>> = {
  ...each("404 not_found", ["errors.get", "totp.delete", "invitations.accept", "support_grants.open", "counsel_positions.end", "halts.end"]),
  ...each("404 not_found", ["oidc.begin", "oidc.finish", "webhooks.voice", "webhooks.voice_stop"]),
  ...each("409 conflict", ["api_keys.rotate", "campaigns.launch", "campaigns.pause", "campaigns.resume", "connections.delete", "leads.create"]),
  ...each("409 conflict", ["imports.upload", "incidents.close", "stop_checks.judge", "test_clock.advance"]),
  ...each("403 factor_refused", ["passkeys.create", "second_factors.passkey", "second_factors.recovery_code", "second_factors.totp", "totp.confirm"]),
  // Who sends a credential and is no page of ours.
  "sign_in.ask": ["403 cross_site"],
  "sign_in.passkey_options": ["403 cross_site"],
  "sign_in.passkey": ["403 cross_site", "403 factor_refused"],
  "sign_in.open": ["403 cross_site", "422 invalid_request"],
  "sign_in.relay": ["403 cross_site", "422 invalid_request"],
  "leaked_keys.report": ["422 invalid_request"],
  "calls.create": ["409 dial_blocked"],
}; // prettier-ignore
function each(got: string, ids: readonly string[]): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(ids.map((id) => [id, [got]]));
}
/** Answered with success nowhere here, and why. */
const neverServed: Readonly<Record<string, string>> = {
  "calls.create": "both orgs are halted, and the gates say so: test/http/campaigns.test.ts",
  "oidc.begin": "no provider is configured here: test/http/oidc.test.ts",
  "oidc.finish": "no provider is configured here: test/http/oidc.test.ts",
  "sign_in.relay": "takes a second device: test/http/sign-in.test.ts",
  "webhooks.voice_stop": "takes a call of its vendor: test/http/stops.test.ts",
};

/** What was found, cell by cell. */
const found = {
  decided: new Set<string>(),
  wrong: [] as string[],
  counts: {} as Record<string, number>,
  /** Operations that were answered with success, and `operation status code` of those that were answered otherwise. */
  succeeded: new Set<string>(),
  met: new Set<string>(),
  /** Requests that were answered with success, and what they asked for. */
  done: new Map<string, string>(),
};
const count = (name: string): void => void (found.counts[name] = (found.counts[name] ?? 0) + 1);

async function cell(operation: Operation, principal: Principal, target: Target): Promise<string | null> {
  const at = seenBy(principal, target);
  // Once for each operation all is made ready: what the table allows the owner must come about.
  const arranged = principal.name === "owner" && target === "own" ? await arrangements[operation.id]?.() : undefined;
  const wanted = arranged === undefined || operation.isPublic ? expected(operation, principal, at) : "served";
  const id = arranged?.id ?? (operation.idKind === null ? null : ((target === "other" ? foreign : own).get(operation.idKind) ?? null));
  const other = at === "other" && operation.idKind === null ? { "dialgate-org": publicId("org", (target === "other" ? t.b : t.a).orgId) } : {};
  const headers = arranged?.headers ?? { ...(target === "removed" ? principal.removed : principal.headers), ...other };
  const named = bodies[target === "other" ? "other" : "own"][operation.id];
  const example = operation.example === null && named === undefined ? undefined : { ...operation.example, ...named };
  const sent = { body: arranged?.body ?? example, ...(arranged?.raw === undefined ? {} : { raw: arranged.raw }) };
  const asked = await ask(operation, headers, id, sent);
  const got = `${asked.status} ${asked.code}`;
  if (asked.status >= 500) return asked.told;
  if (asked.status < 400) found.done.set(asked.requestId, operation.id);
  if (wanted === "served" || wanted === "public") return faultOfServed(operation, wanted, asked, arranged !== undefined);
  if (wanted !== "as missing" && got !== wanted) return `${got} in place of ${wanted}`;
  count(wanted);
  if (wanted !== "as missing" && (at !== "other" || wanted !== "404 not_found")) return null;
  const never = operation.idKind === null ? null : publicId(operation.idKind, newId());
  const missing = await ask(operation, operation.idKind === null ? { ...headers, "dialgate-org": publicId("org", newId()) } : headers, never, sent);
  const plain = (text: string) => text.replaceAll(id ?? "-", "ID").replaceAll(never ?? "-", "ID");
  return plain(asked.told) === plain(missing.told) ? null : `another's is told apart from a missing one\n${asked.told}\n${missing.told}`;
} // prettier-ignore

/** Counted by what came, and not by what was expected: a refusal is a fault unless it is one of those that are listed. */
function faultOfServed(operation: Operation, wanted: "served" | "public", asked: Asked, isArranged: boolean): string | null {
  if (asked.status < 400) {
    count(wanted);
    found.succeeded.add(operation.id);
    return null;
  }
  const got = `${asked.status} ${asked.code}`;
  if (isArranged) return `${got}, and all was made ready for it\n${asked.told}`;
  found.met.add(`${operation.id} ${got}`);
  count(`${wanted}_otherwise`);
  return otherwise[operation.id]?.includes(got) ? null : `${got}, which the table allows\n${asked.told}`;
} // prettier-ignore

describe("who may do what", () => {
  test("each operation of the document is a row of the one table, or public", () => {
    expect(operations.filter(({ isPublic }) => !isPublic).map(({ id }) => id).toSorted()).toEqual(Object.keys(ruled).toSorted());
  }); // prettier-ignore

  test("every cell comes out as the table says, and a viewer and whoever is nobody write nothing", async () => {
    // Those who may write come last: what they use up is there for everyone before.
    const harmless = (one: Principal) => one.dead || one.name === "viewer" || one.name === "read key";
    const run = async (some: readonly Principal[]) => {
      for (const operation of operations) {
        for (const principal of some) {
          for (const target of targets) {
            const name = `${operation.id} by ${principal.name} on ${target}`;
            // A cell that throws is at fault, and undecided: it does not hide those behind it.
            await cell(operation, principal, target).then(
              (fault) => {
                found.decided.add(name);
                if (fault !== null) found.wrong.push(`${name}: ${fault}`);
              },
              (thrown: unknown) => void found.wrong.push(`${name}: ${String(thrown)}`),
            );
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
    const product = operations.flatMap(({ id }) => callers.flatMap((name) => targets.map((target) => `${id} by ${name} on ${target}`)));
    const undecided = product.filter((one) => !found.decided.has(one));
    const { wrong, counts, succeeded } = found;
    const figures = { operations: operations.length, callers: callers.length, cells: found.decided.size, undecided: undecided.length, wrong: wrong.length, operations_served: succeeded.size, written_by_who_may_not: writes, written_by_who_may: control };
    reportAccess("matrix", { ...figures, ...counts });
    console.log(`matrix: ${JSON.stringify({ ...figures, ...counts })}`);
    expect(wrong).toEqual([]);
    expect(undecided).toEqual([]);
    expect(found.decided.size).toBe(product.length);
    expect({ writes, control }).toEqual({ writes: 0, control: 1 });
  }, 420_000); // prettier-ignore

  test("each operation says on the chain what it did, as the file beside this one lists it", async () => {
    const { rows } = await t.house.api.db.admin(
      `select e.event_type, p.facts_text::jsonb as facts from audit.entry e join audit.payload p using (org_id, seq)
         where p.facts_text::jsonb ->> 'request_id' = any ($1)`,
      [[...found.done.keys()]],
    );
    const told = new Map<string, Map<string, Set<string>>>();
    for (const { event_type: type, facts } of rows as unknown as { event_type: string; facts: Record<string, unknown> }[]) {
      const { actor: _, request_id: request, ...said } = facts;
      const operation = found.done.get(String(request)) ?? "";
      const types = told.get(operation) ?? new Map<string, Set<string>>();
      told.set(operation, types.set(type, new Set([...(types.get(type) ?? []), ...Object.keys(said)])));
    }
    const lines = [...told].map(([operation, types]) =>
      [
        operation,
        ...[...types].map(([type, facts]) => `  ${type}: ${[...facts].toSorted().join(", ")}`.trimEnd()).toSorted(),
        "",
      ].join("\n"),
    );
    await expect(lines.toSorted().join("")).toMatchFileSnapshot("told.txt");
  });

  test("each operation was really answered to someone who may, and each exception is still needed", () => {
    const unserved = operations.map(({ id }) => id).filter((id) => !found.succeeded.has(id));
    expect(unserved.toSorted()).toEqual(Object.keys(neverServed).toSorted());
    for (const reason of Object.values(neverServed)) expect(existsSync(reason.split(": ")[1] ?? ""), reason).toBe(true);
    const listed = Object.entries(otherwise).flatMap(([id, answers]) => answers.map((got) => `${id} ${got}`));
    expect(listed.toSorted()).toEqual([...found.met].toSorted());
    expect(Object.keys(arrangements).filter((id) => operations.every((operation) => operation.id !== id))).toEqual([]);
  });
});
