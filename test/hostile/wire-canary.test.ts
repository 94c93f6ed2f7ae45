/** What a voice provider is told of a person, read off the wire: what the campaign allows, and nothing else that is known of them. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { forbiddenVariable } from "../../src/providers/voice/forbidden-variable.ts";
import { consentText, type House, type LiveOrg, openHouse } from "../support/live-house.ts";

let house: House;
beforeAll(async () => {
  house = await openHouse();
}, 60_000);
afterAll(() => house.close());

const planted = {
  email: "zebra.canary@example.com",
  last_name: "Quillfeather-Canary",
  city: "Canaryville",
  zip: "10001",
  source: "canary-source-77",
  notes: "canary note: the dog bites; card 4111 1111 1111 1111, ssn 078-05-1120",
  external_id: "canary-ext-99",
};
const evidence = {
  text: `${consentText} Canary clause 5150.`,
  page_url: "https://canary.example/form",
  ip: "203.0.113.77",
  user_agent: "CanaryBrowser/1.0",
  certificate_url: "https://cert.trustedform.com/canarycanarycanary",
};
const canaries = [
  ...Object.values(planted).filter((value) => value !== planted.zip), "zebra.canary", "4111", "078-05-1120", "the dog bites",
  "Canary clause", "canary.example", evidence.ip, evidence.user_agent, "trustedform", consentText.slice(0, 40),
]; // prettier-ignore

/** Everything of each request: address, headers and body, as it left and as it arrived. The vendor's own key aside. */
function wire(org: LiveOrg, from: number): string[] {
  const arrived = house.simulators
    .requests(org.account)
    .map(({ method, path, headers, body }) => `${method} ${path}\n${JSON.stringify(headers)}\n${body}`);
  const left = house.left.slice(from).map(({ url, headers, body }) => `${url}\n${JSON.stringify(headers)}\n${body}`);
  return [...arrived, ...left].flatMap((text) => [text, decodeURIComponent(text.replaceAll("%", "%25"))]);
}

describe.each(["retell", "elevenlabs"] as const)("%s", (vendor) => {
  test("is told the allowed variable and the number, and none of what else is known of the person", async () => {
    const org = await house.open(vendor);
    const from = house.left.length;
    await org.leads([
      { phone: "+12122340001", first_name: "Zanzibella", ...planted, consent: evidence },
      { phone: "+12122340006", first_name: "Zanzibella", ...planted, consent: evidence },
    ]);
    await house.work(org);
    await org.launch(org[vendor], { variables: ["first_name"] });
    await house.work(org);
    await house.vendorsLive(org, 600);
    await house.work(org);
    const sent = wire(org, from);
    const creates = house.simulators.requests(org.account).filter(({ path }) => /create-phone-call|outbound-call/.test(path));
    expect(creates).toHaveLength(2);
    // Positive control: what is allowed does arrive, so the search below looks at the right bytes.
    for (const { body } of creates) {
      expect(body).toContain("Zanzibella");
      expect(body).toMatch(/\+1212234000[16]/);
    }
    for (const canary of canaries)
      expect(
        sent.filter((text) => text.includes(canary)),
        canary,
      ).toEqual([]);
    const calls = await org.get("/v1/calls");
    expect(calls.json.data).toHaveLength(2);
  }, 60_000);

  test("is told a further field only once the campaign names it", async () => {
    const org = await house.open(vendor);
    await org.leads([{ phone: "+12122340001", first_name: "Zanzibella", city: "Canaryville", external_id: "canary-ext-99" }]);
    await house.work(org);
    await org.launch(org[vendor], { variables: ["city"] });
    await house.work(org);
    const [create] = house.simulators.requests(org.account).filter(({ path }) => /create-phone-call|outbound-call/.test(path));
    expect(create?.body).toContain("Canaryville");
    expect(create?.body).not.toContain("Zanzibella");
    expect(create?.body).not.toContain("canary-ext-99");
  }, 60_000);

  test("is asked nothing at all when an allowed field holds what must never leave: the attempt fails, and says why", async () => {
    const org = await house.open(vendor);
    const holds = ["078-05-1120", "4111 1111 1111 1111", "zebra.canary@example.com", "https://cert.trustedform.com/canary"];
    await org.leads(holds.map((first_name, at) => ({ phone: `+1212${240 + at}0001`, first_name })));
    await house.work(org);
    await org.launch(org[vendor], { variables: ["first_name"] });
    await house.work(org);
    const attempts = await house.api.db.admin("select state, reason from dial_attempts where org_id = $1", [org.orgId]);
    expect(attempts.rows).toEqual(holds.map(() => ({ state: "failed_no_call", reason: "variable_holds_personal_data" })));
    expect(house.simulators.requests(org.account).filter(({ path }) => /create-phone-call|outbound-call/.test(path))).toEqual([]);
    const told = JSON.stringify((await house.api.db.admin("select detail from incidents where org_id = $1", [org.orgId])).rows);
    const audit = await org.get("/v1/audit?limit=100");
    for (const value of holds) expect(audit.text + told).not.toContain(value);
  }, 60_000);
});

describe("a campaign", () => {
  test.each(["email", "notes", "zip", "address", "phone", "consent_text", "person_id", "e164", "__proto__", "constructor"])("cannot allow %s", async (name) => {
    const org = await house.open("Acme");
    const answer = await org.post("/v1/campaigns", { name: "c", seller_id: org.seller, connection_id: org.retell, variables: [name] });
    expect(answer.json).toMatchObject({ status: 422, code: "invalid_request" });
  }); // prettier-ignore
});

describe("a variable", () => {
  test.each([
    "4111111111111111", "4111-1111-1111-1111", "4111.1111.1111.1111", "4111\u20131111\u20131111\u20131111", "4111\u00a01111\u00a01111\u00a01111",
    "\uff14\uff11\uff11\uff11\uff11\uff11\uff11\uff11\uff11\uff11\uff11\uff11\uff11\uff11\uff11\uff11", "41\u200b11111111111111", "no. 12 4111111111111111", "4111111111111111 1226 123",
    "378282246310005", "6011 1111 1111 1117", "078-05-1120", "078 05 1120", "078.05.1120", "078\u201105\u20111120", "a\u200b@example.com", "x@y.zz", "\uff41\uff20example.com", "CERT.TrustedForm.com/abc",
  ])("that holds %j does not leave", (value) => {
    expect(forbiddenVariable({ first_name: value })).toBe("variable_holds_personal_data");
  }); // prettier-ignore
  test.each([
    "Ann",
    "O'Brien-Smith",
    "St. Louis",
    "lead-2026-11-18-0042",
    "+13035550142",
    "123456789012",
    "00300000000000000001",
    "José 3rd",
    "Suite 12, floor 4",
  ])("that holds %j does", (value) => expect(forbiddenVariable({ first_name: value })).toBeNull());
});
