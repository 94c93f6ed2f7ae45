/** The lists of what is a person's own go on page by page, as every other list does. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { publicId } from "../../src/lib/ids.ts";
import { makeSession } from "../support/users.ts";
import { newId } from "../support/world.ts";
import { type Api, openApi, realNow } from "./api.ts";
import { signIn, type SignedIn } from "./signed-in.ts";

let api: Api;
let orgId: string;
beforeAll(async () => {
  api = await openApi();
  ({ orgId } = await api.seed());
});
afterAll(() => api?.close());

const count = 120;
/** By page; each says truly whether there are more. */
async function pagesOf(by: SignedIn, path: string, limit: number): Promise<string[][]> {
  const pages: string[][] = [];
  for (let cursor: string | null = null, isLast = false; !isLast;) {
    const asked = `${path}?limit=${limit}${cursor === null ? "" : `&cursor=${cursor}`}`;
    const { status, json, text } = await by.send("GET", asked);
    expect(status, text).toBe(200);
    pages.push(json.data.map(({ id }: { id: string }) => id));
    cursor = json.next_cursor;
    isLast = !json.has_more;
    expect(cursor === null).toBe(isLast);
  }
  return pages;
}

/** As many of each, in the order of their public ids, which is that of time. */
const made: Record<string, { path: string; make: (person: SignedIn) => Promise<string[]> }> = {
  sessions: {
    path: "/v1/sessions",
    make: async ({ userId, session }) => {
      const ids = [session.id];
      while (ids.length < count) ids.push((await makeSession(api.db, api.deps.hashApiKey, userId, realNow)).id);
      return ids.map((id) => publicId("session", id)).toSorted();
    },
  },
  identities: {
    path: "/v1/me/identities",
    make: async ({ userId }) => {
      const ids = Array.from({ length: count }, () => newId());
      await api.db.admin(
        `insert into oidc_identities (id, provider, issuer, subject, user_id, created_at, last_used_at)
           select i, 'google', 'https://accounts.google.com', i::text, $2, $3, $3 from unnest($1::uuid[]) i`,
        [ids, userId, realNow],
      );
      return ids.map((id) => publicId("identity", id)).toSorted();
    },
  },
  "support grants": {
    path: "/v1/me/support_grants",
    make: async ({ userId }) => {
      const ids = Array.from({ length: count }, () => newId());
      await api.db.admin("insert into operators (user_id, since, note) values ($1, $2, 'test')", [userId, realNow]);
      await api.db.admin(
        `insert into support_grants (org_id, id, operator_id, role, reason, created_at, expires_at)
           select $3, i, $2, 'viewer', 'Ticket 1', $4, $4::timestamptz + interval '1 hour' from unnest($1::uuid[]) i`,
        [ids, userId, orgId, realNow],
      );
      return ids.map((id) => publicId("supportGrant", id)).toSorted();
    },
  },
};

describe.each(Object.keys(made))("one's own %s", (what) => {
  const { path, make } = made[what] as (typeof made)[string];

  test("are listed whole, page by page, newest first, and by the limit that is asked for", async () => {
    const person = await signIn(api, { factor: true });
    const ids = (await make(person)).toReversed();
    const stranger = await signIn(api, { factor: true });
    const theirs = await make(stranger);
    expect(await pagesOf(person, path, 100)).toEqual([ids.slice(0, 100), ids.slice(100)]);
    expect(await pagesOf(person, path, 40)).toEqual([ids.slice(0, 40), ids.slice(40, 80), ids.slice(80)]);
    const first = (await person.send("GET", path)).json;
    expect([first.data.length, first.has_more]).toEqual([20, true]);
    expect((await person.send("GET", `${path}?limit=101`)).json.errors[0]).toMatchObject({
      pointer: "?limit",
      code: "too_large",
    });
    const foreign = await stranger.send("GET", `${path}?limit=100&cursor=${first.next_cursor}`);
    for (const { id } of foreign.json.data as { id: string }[]) expect(theirs).toContain(id);
    const other = path === "/v1/sessions" ? "/v1/me/identities" : "/v1/sessions";
    const refused = await person.send("GET", `${other}?cursor=${first.next_cursor}`);
    expect(refused.json.errors[0]).toMatchObject({ pointer: "?cursor", code: "cursor_invalid" });
  });
});

test("an operator's grant is ended by the id that the last page names, however many came after it", async () => {
  const person = await signIn(api, { factor: true });
  const [oldest = ""] = await (made["support grants"] as (typeof made)[string]).make(person);
  expect((await person.send("DELETE", `/v1/me/support_grants/${oldest}`)).json).toMatchObject({ id: oldest, status: "ended" });
  const never = await person.send("DELETE", `/v1/me/support_grants/${publicId("supportGrant", newId())}`);
  expect(never.status).toBe(404);
});
