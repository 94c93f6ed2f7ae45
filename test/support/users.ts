/** People with sessions as sign-in makes them, written by the database's owner: for tests of what a session may do. */
import { randomBytes } from "node:crypto";
import { sessionCookie } from "../../src/http/authenticate.ts";
import type { Role } from "../../src/domain/access/operations.ts";
import type { ApiKeyHasher } from "../../src/lib/api-key.ts";
import { hexOf } from "../../src/lib/bytes.ts";
import { publicId } from "../../src/lib/ids.ts";
import { mintSessionToken } from "../../src/lib/session-token.ts";
import { uuidV7 } from "../../src/lib/uuid-v7.ts";
import type { TestDatabase } from "./database.ts";

export const testOrigin = "https://api.dialgate.test";
const newId = () => uuidV7(Date.now(), randomBytes(10));

export interface TestPerson {
  readonly userId: string;
  readonly email: string;
}
export interface TestSession {
  readonly id: string;
  /** What its browser sends from our own pages. */
  readonly headers: Readonly<Record<string, string>>;
}

export async function makePerson(db: TestDatabase, email = `${newId()}@people.test`): Promise<TestPerson> {
  const userId = newId();
  await db.admin("insert into users (id, email, created_at) values ($1, $2, now())", [userId, email]);
  return { userId, email };
}

export const makeMember = async (db: TestDatabase, orgId: string, userId: string, role: Role): Promise<void> =>
  void (await db.admin(
    "insert into memberships (org_id, user_id, role, created_at) values ($1, $2, $3, now()) on conflict (org_id, user_id) do update set role = excluded.role",
    [orgId, userId, role],
  ));

/** @param more `factor`: has shown a second factor. `at`: when it was made, by the clock that the worker under test has. */
export async function makeSession(
  db: TestDatabase,
  hash: ApiKeyHasher,
  userId: string,
  at: string,
  more: { factor?: boolean; stage?: "open" | "factor_due"; org?: string; endsAt?: string } = {},
): Promise<TestSession> {
  const token = await mintSessionToken(newId(), userId, randomBytes, hash);
  await db.admin(
    `insert into sessions (id, user_id, secret_hash, method, stage, factor_at, created_at, last_seen_at, ends_at, idle_seconds)
     values ($1, $2, decode($3, 'hex'), 'link', $4, $5, $6, $6, coalesce($7, $6::timestamptz + interval '12 hours'), 3600)`,
    [
      token.id,
      userId,
      hexOf(await hash(token.clear)),
      more.stage ?? "open",
      more.factor === false ? null : at,
      at,
      more.endsAt ?? null,
    ],
  );
  return {
    id: token.id,
    headers: {
      cookie: `${sessionCookie}=${token.clear}`,
      "sec-fetch-site": "same-origin",
      ...(more.org === undefined ? {} : { "dialgate-org": publicId("org", more.org) }),
    },
  };
}

/** How long a person's newest session lives, with requests and without, in seconds. */
export async function livesOf(db: TestDatabase, userId: string): Promise<{ readonly life: number; readonly idle: number }> {
  const { rows } = await db.admin(
    `select extract(epoch from ends_at - created_at)::integer as life, idle_seconds as idle from sessions
     where user_id = $1 order by created_at desc, id desc limit 1`,
    [userId],
  );
  return rows[0] as never;
}
/** What docs/security.md says: 12 hours at most, one without a request. */
export const sessionLives = { life: 12 * 3_600, idle: 3_600 };
