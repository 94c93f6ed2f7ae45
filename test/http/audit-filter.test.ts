/** The chain, asked for a part of it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../src/dispatch/run.ts";
import { jobNames } from "../../src/lib/audit-actors.ts";
import { orgEvents } from "../../src/lib/audit-events.ts";
import { publicId } from "../../src/lib/ids.ts";
import { analysed, dialWorld, tell } from "../dispatch/reports.ts";
import { buildWorld } from "../support/world.ts";
import { type Api, openApi } from "./api.ts";
import { keyed } from "./keyed.ts";

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

interface Entry {
  readonly seq: number;
  readonly type: string;
  readonly subject: string;
  readonly at: string;
  readonly at_us: number;
  readonly facts: string;
}
async function called() {
  const world = await dialWorld(api.db, { leads: 4 });
  for (const id of world.attempts) await tell(world, id, analysed);
  await run(world.deps, world.org, 30);
  const { get } = await keyed(api, world, "audit:read");
  const page = async (query: string) => (await get(`/v1/audit?limit=100${query}`)).json as { data: Entry[]; head: unknown };
  return { world, get, page, whole: await page("") };
}

test("is answered by type and by subject, each entry as in the whole", async () => {
  const { world, page, whole } = await called();
  const types = new Set(whole.data.map(({ type }) => type));
  for (const type of ["attempt.", "attempt.dialing", "call.reported", "decision", ...types]) {
    const found = await page(`&type=${type}`);
    expect(found.data, type).toEqual(whole.data.filter((entry) => entry.type.startsWith(type)));
    expect(found.data.length, type).toBeGreaterThan(0);
    expect(found.head).toEqual(whole.head);
  }
  const subject = publicId("attempt", world.attempts[1] as string);
  const about = await page(`&subject=${subject}`);
  expect(about.data).toEqual(whole.data.filter((entry) => entry.subject === subject));
  expect(about.data.map(({ type }) => type)).toEqual(["attempt.dialing", "attempt.answered", "call.reported"]);
  expect((await page(`&subject=${subject}&type=call.`)).data.map(({ type }) => type)).toEqual(["call.reported"]);
  expect((await page("&type=seller.updated")).data).toEqual([]);
});

test("is answered by actor, whichever kind, and by time, to the microsecond", async () => {
  const { world, page, whole } = await called();
  const of = (entry: Entry) => JSON.parse(entry.facts).actor as { id: string } | undefined;
  const ofTests = ["", "test", "dispatcher", "race"];
  const actors = new Set(whole.data.map((entry) => of(entry)?.id ?? ""));
  expect(actors.size).toBeGreaterThan(1);
  for (const actor of actors)
    if (!ofTests.includes(actor))
      expect((await page(`&actor=${actor}`)).data, actor).toEqual(whole.data.filter((entry) => of(entry)?.id === actor));
  // A fraction of fewer digits is as many tenths, hundredths and so on.
  const [first] = whole.data as [Entry];
  const tenths = Math.floor(first.at_us / 100_000) + 1;
  const instant = (digits: string) =>
    new Date(Math.floor(tenths / 10) * 1_000).toISOString().replace(".000Z", `.${tenths % 10}${digits}Z`);
  expect((await page(`&from=${instant("")}`)).data).toEqual(whole.data.filter(({ at }) => at >= instant("00000")));
  expect((await page(`&to=${instant("")}`)).data.map(({ seq }) => seq)).toContain(first.seq);
  expect((await page("&actor=key_01k6dj4yz8f1vr6vwnxbmd0h2z")).data).toEqual([]);
  const grant = "sgr_01k6dj4yz8f1vr6vwnxbmd0h2z";
  const acted = `{"actor":{"grant":"${grant}","id":"user_01k6dj4yz8f1vr6vwnxbmd0h2z","type":"operator"},"operation":"leads.list","request_id":"x"}`;
  await world.org.query({ name: "acted", text: "select audit.append('support.acted', 'leads.list', $1)", params: [acted] });
  expect((await page(`&actor=${grant}`)).data).toMatchObject([{ type: "support.acted" }]);

  // Each entry's own instant: from it on, and all before it.
  for (const [place, { at }] of whole.data.entries()) {
    expect((await page(`&to=${at}`)).data).toEqual(whole.data.slice(0, place));
    const [first] = (await page(`&from=${at}`)).data;
    expect(first).toEqual(whole.data[place]);
  }
  const [from, to] = [whole.data[2]?.at, whole.data[5]?.at];
  expect((await page(`&from=${from}&to=${to}`)).data).toEqual(whole.data.slice(2, 5));
  expect((await page(`&from=${from}&to=${to}&type=attempt.`)).data).toEqual(whole.data.slice(2, 5).filter(({ type }) => type.startsWith("attempt."))); // prettier-ignore
  expect((await page("&from=2999-01-01T00:00:00Z")).data).toEqual([]);
  expect((await page("&to=2001-01-01T00:00:00Z")).data).toEqual([]);
  const subject = publicId("attempt", world.attempts[1] as string);
  const about = whole.data.filter((entry) => entry.subject === subject);
  expect((await page(`&subject=${subject}&from=${about[1]?.at}`)).data).toEqual(about.slice(1));
});

test("goes on from page to page, filtered as unfiltered", async () => {
  const { get, whole } = await called();
  for (const query of ["", "&type=attempt."]) {
    const seqs: number[] = [];
    for (let cursor: string | null = "", pages = 0; cursor !== null && pages < 50; pages++) {
      const { json } = await get(`/v1/audit?limit=3${query}${cursor === "" ? "" : `&cursor=${cursor}`}`);
      seqs.push(...json.data.map(({ seq }: Entry) => seq));
      expect(json.has_more).toBe(json.next_cursor !== null);
      cursor = json.next_cursor as string | null;
    }
    const wanted = whole.data.filter(({ type }) => query === "" || type.startsWith("attempt."));
    expect(seqs).toEqual(wanted.map(({ seq }) => seq));
  }
});

test.each([
  ["subject=att_1", "?subject"],
  ["actor=%25", "?actor"],
  ["from=yesterday", "?from"],
  ["to=2026-11-20T09:00:00%2B01:00", "?to"],
  ["subject=019a9b2c-7d00-7000-8000-000000000001", "?subject"],
])("is refused in plain words what can be no filter: %s", async (query, pointer) => {
  const { get } = await called();
  const refused = await get(`/v1/audit?${query}`);
  expect(refused).toMatchObject({ status: 422, json: { errors: [{ pointer, detail: expect.stringMatching(/is needed/) }] } });
});

test.each([
  ["type=foo", "?type", "type_unknown", /api_key\., /],
  ["type=Attempt", "?type", "type_unknown", /api_key\., /],
  ["type=%25", "?type", "type_unknown", /api_key\., /],
  ["type=api_keys.", "?type", "type_unknown", /api_key\., /],
  ["type=api_key.revokd", "?type", "type_unknown", /api_key\., /],
  // Of the platform's own chain, and never of an organisation's.
  ["type=session.", "?type", "type_unknown", /of an organisation/],
  ["actor=foo", "?actor", "id_invalid", /key_…, .*token_keys/],
  ["actor=key_zzzz", "?actor", "id_invalid", /key_…/],
  ["actor=lead_01k6dj4yz8f1vr6vwnxbmd0h2z", "?actor", "id_invalid", /key_…/],
  ["subject=leads_01k6dj4yz8f1vr6vwnxbmd0h2z", "?subject", "id_invalid", /No id/],
  ["from=2026-12-02T00:00:00Z&to=2026-12-01T00:00:00Z", "?to", "window_empty", /`to` has to come after `from`/],
  ["from=2026-12-01T00:00:00.1Z&to=2026-12-01T00:00:00.10Z", "?to", "window_empty", /`to` has to come after `from`/],
])("is refused, and not answered like what never happened: %s", async (query, pointer, code, detail) => {
  const { get } = await keyed(api, await buildWorld(api.db), "audit:read");
  const refused = await get(`/v1/audit?${query}`);
  expect(refused).toMatchObject({ status: 422, json: { errors: [{ pointer, code, detail: expect.stringMatching(detail) }] } });
});

test("takes each type and each beginning of one, each kind of actor and each job", async () => {
  const { get } = await keyed(api, await buildWorld(api.db), "audit:read");
  const row = "019a9b2c-7d00-7000-8000-000000000001";
  const ids = (["apiKey", "tokenIssuer", "user", "connection", "request", "supportGrant"] as const).map((kind) =>
    publicId(kind, row),
  );
  const kinds = new Set(Object.keys(orgEvents).map((type) => type.replace(/\..*/, ".")));
  const queries = [...kinds, "customer_data_accessed"].map((type) => `type=${type}`);
  for (const query of [...queries, ...[...ids, ...jobNames].map((actor) => `actor=${actor}`)])
    expect((await get(`/v1/audit?limit=1&${query}`)).status, query).toBe(200);
});

describe("of a long chain", () => {
  test("one request looks at so much and no more, and says where to go on; a subject is found wherever it stands", async () => {
    const world = await buildWorld(api.db);
    const fill = (n: number) =>
      world.org.query({
        name: "fill",
        text: "select audit.append_many(array_fill('filler.written'::text, array[$1::int]), array_fill('x'::text, array[$1::int]), array_fill('{}'::text, array[$1::int]))",
        params: [n],
      });
    const subject = publicId("lead", world.leadIds[0] as string);
    await fill(10_000);
    await fill(2_000);
    await world.org.query({ name: "rare", text: "select audit.append('position.ended', $1, '{}')", params: [subject] });
    const { get } = await keyed(api, world, "audit:read");
    const first = (await get("/v1/audit?type=position.")).json;
    expect(first).toMatchObject({ data: [], has_more: true });
    const second = (await get(`/v1/audit?type=position.&cursor=${first.next_cursor}`)).json;
    expect(second).toMatchObject({ data: [{ type: "position.ended", subject }], has_more: false, next_cursor: null });
    expect((await get(`/v1/audit?subject=${subject}`)).json).toMatchObject({
      data: [{ seq: second.data[0].seq }],
      has_more: false,
    });

    // From an instant on, however much stands before it.
    const from = `2000-01-01T00:00:00Z`;
    expect((await get(`/v1/audit?type=position.&from=${from}`)).json).toMatchObject({ data: [], has_more: true });
    const rare = second.data[0].at;
    expect((await get(`/v1/audit?type=position.&from=${rare}`)).json).toMatchObject({
      data: [{ type: "position.ended" }],
      has_more: false,
    });

    // By its index: a few blocks, however long the chain is.
    await world.sql("analyze audit.entry, audit.payload");
    const [plan] = await world.sql<{ "QUERY PLAN": string }>(
      `explain (format json) select x.seq from audit.payload x where x.org_id = '${world.orgId}' and x.seq > 0 and x.subject_text = '${subject}' order by x.seq limit 21`,
    );
    expect(JSON.stringify(plan)).toContain("payload_by_subject");
  });
});
