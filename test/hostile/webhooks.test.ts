/** Webhooks that are forged, replayed, reordered or ill-formed: nothing is stored that is not proved, and nothing happens twice. */
import { createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { applyInbox } from "../../src/dispatch/apply-inbox.ts";
import { type Arrived, type House, type LiveOrg, openHouse } from "../support/live-house.ts";

let house: House;
beforeAll(async () => {
  house = await openHouse();
}, 60_000);
afterAll(() => house.close());

type Vendor = "retell" | "elevenlabs";
const vendors: readonly Vendor[] = ["retell", "elevenlabs"];
const rows = async (text: string, orgId: string) => (await house.api.db.admin(text, [orgId])).rows;
const deliver = ({ path, raw, headers }: Arrived) => house.api.send("POST", path, { raw, headers });
const inbox = async (orgId: string) =>
  Number((await rows("select count(*)::int as n from webhook_inbox where org_id = $1", orgId))[0]?.["n"]);

/** An org whose calls have ended; their webhooks were caught on the way and nothing has seen them. */
async function caught(vendor: Vendor, areaCode: string): Promise<{ org: LiveOrg; webhooks: Arrived[] }> {
  const org = await house.open(vendor);
  const suffixes = ["0001", "0003", "0006", "0012"];
  await org.leads(suffixes.map((suffix) => ({ phone: `+1${areaCode}234${suffix}`, state: areaCode === "212" ? "NY" : "IL" })));
  await house.work(org);
  await org.launch(org[vendor]);
  await house.work(org);
  house.webhooks.pass = false;
  const from = house.webhooks.arrived.length;
  await house.vendorsLive(org, 900);
  house.webhooks.pass = true;
  const webhooks = house.webhooks.arrived.slice(from);
  expect(webhooks.length).toBeGreaterThan(4);
  return { org, webhooks };
}
function sign(vendor: Vendor, org: LiveOrg, body: string | Uint8Array, at = Date.now(), key?: string): Record<string, string> {
  const json = { "content-type": "application/json" };
  const seconds = String(Math.floor(at / 1000));
  const digest = (secret: string, ...parts: (string | Uint8Array)[]) =>
    parts.reduce((hash, part) => hash.update(part), createHmac("sha256", secret)).digest("hex");
  return vendor === "retell"
    ? { ...json, "x-retell-signature": `v=${at},d=${digest(key ?? org.keys.retell, body, String(at))}` }
    : { ...json, "elevenlabs-signature": `t=${seconds},v0=${digest(key ?? org.keys.webhook, `${seconds}.`, body)}` };
}
/** What the calls came to, whoever they were: by the number's last digits. */
const outcome = (orgId: string) =>
  rows(
    `select right(l.e164, 4) as lead, a.state, a.reason, a.rang, a.answered_by_person, a.ended_by, c.status, c.disposition, c.stop_requested, c.stop_searched,
        c.transcript_state, (select count(*)::int from suppressions s where s.person_id = a.person_id) as suppressions
      from dial_attempts a join leads l on l.id = a.lead_id left join calls c on c.attempt_id = a.id and c.provider_call_id = a.provider_call_id
      where a.org_id = $1 order by 1`,
    orgId,
  );

const textOf = (raw: Arrived["raw"]) => new TextDecoder().decode(raw);
/** One event of each type that came, the one that tells most: the first of a call has no words yet. */
function ofEveryType(events: readonly Arrived[]): Map<string, Arrived> {
  const found = new Map<string, Arrived>();
  for (const event of events.toSorted((one, other) => one.raw.length - other.raw.length)) {
    const { event: retell, type } = JSON.parse(textOf(event.raw)) as { event?: string; type?: string };
    found.set(retell ?? type ?? "", event);
  }
  expect(found.size).toBeGreaterThan(1);
  expect([...found.values()].some(({ raw }) => /"(content|message)":"/.test(textOf(raw)))).toBe(true);
  return found;
}
/** An answer, no answer, a stop by tool and a stop in words alone. */
const stopped = [["0001", 0], ["0003", 0], ["0006", 1], ["0012", 1]]; // prettier-ignore
const said = /"(content|message|word)":"/g;
const poisons: readonly [string, (body: string) => string][] = [
  ["a NUL before the words", (body) => body.replace(said, '"$1":"\\u0000')],
  ["half a surrogate pair before the words", (body) => body.replace(said, '"$1":"\\ud83d ')],
  ["a NUL in every reason", (body) => body.replace(/"(termination_reason|failure_reason|recording_url|params_as_json|arguments)":"/g, '"$1":"\\u0000')],
  ["half a second", (body) => body.replace(/"(call_duration_secs|time_in_call_secs)":(\d+)\b/g, '"$1":$2.5').replace(/"duration_ms":(\d+)/g, '"duration_ms":$1.25')],
  ["a length past any integer", (body) => body.replace(/"(call_duration_secs|duration_ms|time_in_call_secs)":\d+(\.\d+)?/g, '"$1":1e15')],
]; // prettier-ignore

describe.each(vendors)("%s", (vendor) => {
  let org: LiveOrg;
  let webhooks: Arrived[];
  beforeAll(async () => {
    ({ org, webhooks } = await caught(vendor, "212"));
  }, 60_000);
  const events = () => webhooks.filter(({ path }) => !path.endsWith("/stop"));

  test("a forged webhook is refused, and nothing of it is kept", async () => {
    const [real] = events() as [Arrived];
    const before = await inbox(org.orgId);
    const body = new TextDecoder().decode(real.raw);
    const other = await house.open("Other");
    const forged: [string, Arrived["raw"] | string, Record<string, string>][] = [
      ["no signature", real.raw, { "content-type": "application/json" }],
      ["one byte changed", body.replace(/[a-z]/, "z").replace(/"ended"|"done"/, '"zzzzz"'), real.headers],
      ["a byte added", `${body} `, real.headers],
      ["another org's key", real.raw, sign(vendor, other, real.raw)],
      ["the key of a guess", real.raw, sign(vendor, org, real.raw, Date.now(), "guess")],
      ["an empty key", real.raw, sign(vendor, org, real.raw, Date.now(), "")],
      ["signed six minutes ago", real.raw, sign(vendor, org, real.raw, Date.now() - 60 * 60_000)],
      ["signed in an hour", real.raw, sign(vendor, org, real.raw, Date.now() + 60 * 60_000)],
      ["a signature of rubbish", real.raw, { "x-retell-signature": "v=,d=", "elevenlabs-signature": "t=,v0=" }],
      ["another vendor's header", real.raw, sign(vendor === "retell" ? "elevenlabs" : "retell", org, real.raw)],
      ["a signature of nothing", "", sign(vendor, org, "x")],
    ]; // prettier-ignore
    for (const [what, raw, headers] of forged) {
      const answer = await house.api.send("POST", real.path, { raw, headers });
      expect(answer.status, what).toBe(401);
      expect(answer.json, what).toMatchObject({ code: "webhook_refused" });
    }
    expect(await inbox(org.orgId)).toBe(before);
    expect(await outcome(org.orgId)).toSatisfy((calls: { state: string }[]) => calls.every(({ state }) => state !== "completed"));
  });

  test("a signed body of any form is kept or refused, never broken by, and kills no one", async () => {
    const nested = `{"event":"call_ended","type":"post_call_transcription","x":${"[".repeat(20_000)}${"]".repeat(20_000)}}`;
    const bodies = (text: string): [string, string | Uint8Array][] => [
      ["nothing", ""], ["no JSON", "{"], ["null", "null"], ["an array", "[]"], ["a string", '"x"'], ["nested", nested],
      ["not UTF-8", new Uint8Array([0x7b, 0xff, 0x7d])],
      ["an unknown event", '{"event":"call_exploded","type":"call_exploded","event_timestamp":1,"data":{},"call":{"call_id":"call_x"}}'],
      ["unknown values", text.replaceAll(/"(disconnection_reason|call_status|status|termination_reason)":"[a-z_ ]+"/g, '"$1":"never_heard_of"').replace(/"call_id":"/, '"call_id":"u')],
      ["a NUL in words", text.replaceAll(/"(content|message)":"/g, '"$1":"\\u0000').replaceAll(/"call_id":"/g, '"call_id":"n').replaceAll(/"conversation_id":"/g, '"conversation_id":"n')],
      ["a NUL in an id", text.replaceAll(/"call_id":"/g, '"call_id":"\\u0000').replaceAll(/"conversation_id":"/g, '"conversation_id":"\\u0000')],
      ["a NUL in the event", text.replace(/"event":"/, '"event":"\\u0000').replace(/"type":"/, '"type":"\\u0000')],
      ["half a surrogate pair", text.replaceAll(/"(content|message)":"/g, '"$1":"\\ud800').replaceAll(/"call_id":"/g, '"call_id":"s').replaceAll(/"conversation_id":"/g, '"conversation_id":"s')],
      ["numbers without end", text.replaceAll(/"(end_timestamp|duration_ms|event_timestamp|start_time_unix_secs|call_duration_secs)":\d+/g, '"$1":1e308').replaceAll(/"call_id":"/g, '"call_id":"i').replaceAll(/"conversation_id":"/g, '"conversation_id":"i')],
      ["another type", text.replaceAll(/"(transcript_object|transcript|metadata)":/g, '"$1":7,"was":').replaceAll(/"call_id":"/g, '"call_id":"t').replaceAll(/"conversation_id":"/g, '"conversation_id":"t')],
      ["a key twice", text.replace("{", '{"event":"x","type":"x",')],
      ["__proto__", text.replace("{", '{"__proto__":{"event":"call_ended"},')],
      ["nine megabytes", `{"event":"${"x".repeat(9_000_000)}"}`],
    ]; // prettier-ignore
    for (const [type, { raw, path }] of ofEveryType(events())) {
      for (const [what, body] of bodies(textOf(raw))) {
        for (const suffix of ["", "/stop"]) {
          const headers = { ...sign(vendor, org, body), "x-dialgate-tool-secret": org.keys.tool };
          const answer = await house.api.send("POST", path + suffix, { raw: body, headers });
          expect(answer.status, `${type}, ${what}${suffix}: ${answer.text} ${JSON.stringify(house.api.faults.at(-1))}`).toBeLessThan(500);
        }
      }
    }
    await applyInbox(house.dispatch, org.org);
    await house.api.db.admin("update webhook_inbox set lease_until = null where org_id = $1", [org.orgId]);
    await applyInbox(house.dispatch, org.org);
    expect(await rows("select type, state, reason from webhook_inbox where org_id = $1 and state in ('pending', 'failed') and reason is distinct from 'attempt_unknown'", org.orgId)).toEqual([]);
    expect(house.api.faults).toEqual([]);
  }, 60_000); // prettier-ignore

  test.each(poisons)(
    "a spoken stop is heard whatever else its report holds: %s",
    async (_, poison) => {
      const twin = await caught(vendor, "312");
      for (const { path, raw, headers } of twin.webhooks) {
        const body = path.endsWith("/stop") ? textOf(raw) : poison(textOf(raw));
        const signed = path.endsWith("/stop") ? headers : sign(vendor, twin.org, body);
        const answer = await house.api.send("POST", path, { raw: body, headers: signed });
        expect(answer.status, answer.text).toBeLessThan(300);
      }
      await applyInbox(house.dispatch, twin.org.org);
      expect((await outcome(twin.org.orgId)).map((call) => [call["lead"], call["suppressions"]])).toEqual(stopped);
      expect(
        await rows("select type, state from webhook_inbox where org_id = $1 and state <> 'applied'", twin.org.orgId),
      ).toEqual([]);
      expect(house.api.faults).toEqual([]);
    },
    60_000,
  );

  test("a stop whose words no database can hold is a stop all the same", async () => {
    const twin = await caught(vendor, "312");
    const [stop] = twin.webhooks.filter(({ path }) => path.endsWith("/stop")) as [Arrived];
    const text = textOf(stop.raw);
    const body = text.includes('"reason"')
      ? text.replace(/"reason":"[^"]*/, '"reason":"stop\\u0000it')
      : text.replace(/"args":\{/, '"args":{"reason":"stop\\u0000it",');
    expect(body).toContain("\\u0000");
    const headers = vendor === "retell" ? sign(vendor, twin.org, body) : stop.headers;
    expect(
      (await house.api.send("POST", stop.path, { raw: body, headers: { ...headers, "content-type": "application/json" } })).json,
    ).toEqual({ result: "end_call" });
    expect(await rows("select source, note from suppressions where org_id = $1 and source <> 'canary'", twin.org.orgId)).toEqual([
      { source: "in_call_tool", note: "stop it" },
    ]);
    expect(house.api.faults).toEqual([]);
  }, 60_000);

  test("delivered backwards, each three times, interleaved with the work, they come to what one delivery in order comes to", async () => {
    const [twin, straight] = [{ org, webhooks }, await caught(vendor, "312")];
    for (const one of straight.webhooks) expect((await deliver(one)).status).toBeLessThan(300);
    await applyInbox(house.dispatch, straight.org.org);
    for (const one of twin.webhooks.toReversed()) {
      for (let times = 0; times < 3; times++) expect((await deliver(one)).status).toBeLessThan(300);
      await applyInbox(house.dispatch, twin.org.org);
    }
    for (const one of twin.webhooks) await deliver(one);
    await applyInbox(house.dispatch, twin.org.org);
    const expected = await outcome(straight.org.orgId);
    expect(await outcome(twin.org.orgId)).toEqual(expected);
    // And it came to something.
    expect(expected.map((call) => [call["lead"], call["suppressions"]])).toEqual(stopped);
    const [twice] = await rows("select count(*)::int as n from (select connection_id, dedupe_key from webhook_inbox where org_id = $1 group by 1, 2 having count(*) > 1) d", twin.org.orgId);
    expect(twice).toEqual({ n: 0 });
  }, 120_000); // prettier-ignore
});
