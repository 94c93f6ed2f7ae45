/** People who are signed in, as members of orgs, and what the tests of members look at. */
import type { Role } from "../../src/domain/access/operations.ts";
import { publicId } from "../../src/lib/ids.ts";
import { makeMember, makePerson, makeSession, type TestPerson, type TestSession } from "../support/users.ts";
import { type Api, realNow } from "./api.ts";

type Answer = Awaited<ReturnType<Api["send"]>>;
export interface SignedIn extends TestPerson {
  /** Their public id. */
  readonly id: string;
  readonly session: TestSession;
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

/** @param more `orgId` and `role`: where they are a member, and the org that their requests name. */
export async function signIn(
  api: Api,
  more: { orgId?: string; role?: Role; email?: string; factor?: boolean } = {},
): Promise<SignedIn> {
  const person = await makePerson(api.db, more.email);
  if (more.orgId !== undefined && more.role !== undefined) await makeMember(api.db, more.orgId, person.userId, more.role);
  const session = await makeSession(api.db, api.deps.hashApiKey, person.userId, realNow, {
    ...(more.factor === undefined ? {} : { factor: more.factor }),
    ...(more.orgId === undefined ? {} : { org: more.orgId }),
  });
  const send: SignedIn["send"] = (method, path, body, headers = {}) =>
    api.send(method, path, { ...(body === undefined ? {} : { body }), headers: { ...session.headers, ...headers } });
  return { ...person, id: publicId("user", person.userId), session, send };
}

export async function roleOf(api: Api, orgId: string, userId: string): Promise<Role | null> {
  const { rows } = await api.db.admin("select role from memberships where org_id = $1 and user_id = $2", [orgId, userId]);
  return (rows[0]?.["role"] as Role | undefined) ?? null;
}

export interface Entry {
  readonly seq: number;
  readonly type: string;
  readonly subject: string;
  readonly facts: Record<string, unknown> & {
    readonly actor: { readonly type: string; readonly id: string; readonly grant?: string };
  };
}
/** The org's chain. */
export async function chainOf(api: Api, orgId: string): Promise<Entry[]> {
  const { rows } = await api.db.admin(
    `select e.seq, e.event_type as type, p.subject_text as subject, p.facts_text as facts from audit.entry e join audit.payload p using (org_id, seq)
       where e.org_id = $1 order by e.seq`,
    [orgId],
  );
  return rows.map((row) => ({ ...row, seq: Number(row["seq"]), facts: JSON.parse(String(row["facts"])) }) as unknown as Entry);
}

/** Mails that are queued or were sent. */
export async function mailsQueued(api: Api): Promise<number> {
  return Number((await api.db.admin("select count(*) as n from mails")).rows[0]?.["n"]);
}

/** What two answers must have in common that may not be told apart. */
export const told = ({ status, headers, text }: Answer) => ({
  status,
  headers: [...headers].filter(([name]) => name !== "request-id" && name !== "date" && !name.startsWith("ratelimit")),
  text: text.replaceAll(/req_[a-z0-9]{26}/g, "req"),
});

/** Whatever would append this type fails, until the answer is called. */
export async function forbidEntry(api: Api, type: string): Promise<() => Promise<void>> {
  await api.db.admin(`alter table audit.entry add constraint forbidden check (event_type <> '${type}') not valid`);
  return async () => void (await api.db.admin("alter table audit.entry drop constraint forbidden"));
}
