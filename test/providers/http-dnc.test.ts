import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { instantOf } from "../../src/lib/instant.ts";
import { isStorable } from "../../src/lib/storable-text.ts";
import { importKeyring } from "../../src/lib/sealing.ts";
import { httpDnc } from "../../src/providers/dnc/http-dnc.ts";
import { isPublicHttpsUrl } from "../../src/providers/dnc/public-https-url.ts";
import { providerRegistry } from "../../src/providers/registry.ts";
import { answersOf, coveredLists, dncContract, dncKeys, dncVendorContract, queryOf } from "./dnc-contract.ts";
import { kek, storedConnection } from "./voice-bench.ts";

dncContract("the generic HTTP source", async (simulatorOrigin) => {
  const keyring = await importKeyring({ V1: kek(1) }, "V1");
  const registry = providerRegistry({ keyring, fetch, now: () => instantOf(Date.now() / 1000), simulatorOrigin });
  const given = { vendor: "http_dnc", config: { lists: coveredLists }, credential: dncKeys, livemode: false };
  const provider = registry.dnc(await storedConnection(keyring, given));
  if (!provider.ok) throw new Error(provider.refusal);
  return provider.value;
});

// Drift between simulator and source shows here, wherever one is named.
const { DNC_BASE_URL, DNC_TOKEN = "", DNC_SIGNING_SECRET = "" } = process.env;
const realNow = () => instantOf(Date.now() / 1000);
for (const origin of DNC_BASE_URL === undefined ? [] : [DNC_BASE_URL]) {
  const secret = { token: DNC_TOKEN, signing_secret: DNC_SIGNING_SECRET };
  const connect = () =>
    httpDnc({ origin, config: { lists: ["national"] }, open: (_, work) => work(secret), fetch, now: realNow });
  dncVendorContract("the generic HTTP source", connect, realNow);
}

const at = 1_795_000_000;
interface Said {
  readonly lists: readonly object[];
  readonly [field: string]: unknown;
}
/** A source that says exactly this about the one number, signed as `sign` has it. */
function saying(said: Partial<Said>, sign: (body: string) => Record<string, string> = signedAt(at)) {
  const sent: { headers: Record<string, string>; body: string }[] = [];
  const provider = httpDnc({
    origin: "https://dnc.example.com/base/",
    config: { lists: [...coveredLists, "wireless"] },
    open: (_, work) => work(dncKeys),
    now: () => instantOf(at),
    fetch: async (url, init) => {
      sent.push({ headers: init.headers as Record<string, string>, body: init.body as string });
      expect(url).toBe("https://dnc.example.com/base/v1/dnc/check");
      const { request_id } = JSON.parse(init.body as string) as { request_id: string };
      const body = JSON.stringify({ request_id, results: [{ id: "n0", e164: "+12015550001", lists: [], ...said }] });
      return new Response(body, { headers: sign(body) });
    },
  });
  return { provider, sent };
}
function signedAt(
  seconds: number | null,
  secret: string = dncKeys.signing_secret,
  over: number = seconds ?? at,
): (body: string) => Record<string, string> {
  return (body) => ({
    ...(seconds === null ? {} : { "x-request-timestamp": String(seconds) }),
    "x-signature": `v1=${createHmac("sha256", secret).update(`${over}.${body}`).digest("hex")}`,
  });
}
const clear = (fields: object) => ({ lists: [{ list: "federal", verdict: "clear", ...fields }] });
const asked = queryOf(["+12015550001"], ["national"], instantOf(at));
const verdict = async (fields: object) => answersOf(await saying(clear(fields)).provider.check(asked))["national"];

describe("the generic HTTP source", () => {
  test("signs what it sends over the time stamp and the raw body, and calls the national list federal", async () => {
    const { provider, sent } = saying(clear({ as_of: "2026-11-01" }));
    await provider.check(asked);
    const [{ headers, body } = { headers: {} as Record<string, string>, body: "" }] = sent;
    expect(headers["x-request-timestamp"]).toBe(String(at));
    expect(headers["x-signature"]).toBe(
      `v1=${createHmac("sha256", dncKeys.signing_secret).update(`${at}.${body}`).digest("hex")}`,
    );
    expect(headers["authorization"]).toBe(`Bearer ${dncKeys.token}`);
    expect(JSON.parse(body)).toMatchObject({ lists: ["federal"], purpose: "telemarketing" });
  });

  test("believes an answer signed over its own time stamp or over the request's, and no other", async () => {
    const said = clear({ as_of: "2026-11-01" });
    const kind = async (sign: (body: string) => Record<string, string>) => (await saying(said, sign).provider.check(asked)).kind;
    expect(await kind(signedAt(at + 2))).toBe("answered");
    expect(await kind(signedAt(null))).toBe("answered");
    const wrong = [
      signedAt(at - 301),
      signedAt(at + 301),
      signedAt(at, "another_secret_0123456789"),
      signedAt(at, ""),
      signedAt(at, dncKeys.token),
      signedAt(at, dncKeys.signing_secret, at + 1),
      () => ({}),
      () => ({ "x-signature": "v1=" }),
      () => ({ "x-signature": `v1=${"0".repeat(64)}` }),
      (body: string) => ({ "x-signature": createHmac("sha256", dncKeys.signing_secret).update(`${at}.${body}`).digest("hex") }),
      (body: string) => signedAt(at)(`${body} `),
    ];
    for (const sign of wrong) expect(await kind(sign)).toBe("failed");
  });

  test("takes a list's date from either field, the earlier where both are stated", async () => {
    const version = async (fields: object) => {
      const answer = await saying(clear(fields)).provider.check(asked);
      return answer.kind === "answered" ? answer.numbers[0]?.lists[0]?.listVersionAt : null;
    };
    expect(await version({ as_of: "2026-11-01" })).toBe("2026-10-31T10:00:00Z");
    expect(await version({ list_version_date: "2026-11-01T12:00:00-05:00" })).toBe("2026-11-01T17:00:00Z");
    expect(await version({ list_version_date: "2026-11-01", as_of: "2026-10-01" })).toBe("2026-09-30T10:00:00Z");
  });

  test("a date that is none, or lies ahead of the org's clock, makes clear unknown", async () => {
    const now = instantOf(at);
    expect(await verdict({ as_of: now })).toBe("clear");
    const bad = [
      {},
      { as_of: null },
      { as_of: "" },
      { as_of: "2026-02-30" },
      { as_of: "11/01/2026" },
      { as_of: "2026-11-01T12:00:00" },
      { as_of: 20261101 },
      { as_of: "soon" },
      { as_of: instantOf(at + 1) },
      { as_of: "2027-01-01" },
      { as_of: "2026-11-01", list_version_date: "soon" },
    ];
    for (const fields of bad) expect(await verdict(fields)).toBe("unknown");
  });

  test("only the word clear clears", async () => {
    for (const word of ["CLEAR", "ok", "", "not_listed", "unknown", "Listed"])
      expect(await verdict({ as_of: "2026-11-01", verdict: word })).toBe("unknown");
  });

  test("two answers for one list are as bad as the worse", async () => {
    const both = (one: string, two: string) => ({
      lists: [one, two].map((word) => ({ list: "federal", verdict: word, as_of: "2026-11-01" })),
    });
    const result = async (one: string, two: string) => answersOf(await saying(both(one, two)).provider.check(asked))["national"];
    expect(await result("clear", "listed")).toBe("listed");
    expect(await result("unknown", "clear")).toBe("unknown");
  });

  test("a litigator list that nobody asked about binds when the source names the number on it", async () => {
    const lists = [
      { list: "federal", verdict: "clear", as_of: "2026-11-01" },
      { list: "litigator", verdict: "listed", as_of: "2026-11-01" },
    ];
    expect(answersOf(await saying({ lists }).provider.check(asked))).toEqual({ national: "clear", litigator: "listed" });
  });

  test("a list's name of any length and form binds, in a form that a database can hold", async () => {
    const lists = [
      { list: "federal", verdict: "clear", as_of: "2026-11-01" },
      { list: `internal\0\ud800${"x".repeat(5_000)}`, verdict: "listed", as_of: "2026-11-01", reason: "a\0" },
    ];
    const answer = await saying({ lists }).provider.check(asked);
    const told = answer.kind === "answered" ? (answer.numbers[0]?.lists ?? []) : [];
    expect(told.map(({ result }) => result)).toEqual(["clear", "listed"]);
    for (const { list, reason } of told) {
      expect(list.length).toBeLessThanOrEqual(64);
      expect(isStorable(list) && isStorable(reason ?? "")).toBe(true);
    }
  });

  test("more lists than any connection covers are no answer", async () => {
    const lists = Array.from({ length: 201 }, (_, n) => ({ list: `internal_${n}`, verdict: "listed" }));
    expect(await saying({ lists }).provider.check(asked)).toMatchObject({ kind: "failed", reason: "malformed" });
  });

  test("a list that the connection does not cover may bind, and never clears", async () => {
    const query = { ...asked, lists: ["national", "state:MO"] };
    const both = (word: string) => ({
      lists: ["federal", "state:MO"].map((list) => ({ list, verdict: list === "federal" ? "clear" : word, as_of: "2026-11-01" })),
    });
    const result = async (word: string) => answersOf(await saying(both(word)).provider.check(query));
    expect(await result("clear")).toEqual({ national: "clear", "state:MO": "unknown" });
    expect(await result("listed")).toEqual({ national: "clear", "state:MO": "listed" });
  });

  test("a credential that does not open sends nothing", async () => {
    let requests = 0;
    const provider = httpDnc({
      origin: "https://dnc.example.com",
      config: { lists: ["national"] },
      open: () => Promise.reject(new Error("sealed")),
      now: () => instantOf(at),
      fetch: () => {
        requests += 1;
        return Promise.reject(new Error("unreachable"));
      },
    });
    expect(await provider.check(asked)).toEqual({ kind: "failed", reason: "unauthorized", retryAfterSeconds: null });
    expect(requests).toBe(0);
  });
});

describe("an address that a customer typed", () => {
  test.each(["https://dnc.acme.com", "https://dnc.acme.com/base", "https://a.b.c.acme.io/"])(
    "%s may be sent the token",
    (url) => {
      expect(isPublicHttpsUrl(url)).toBe(true);
    },
  );
  test.each([
    "http://dnc.acme.com",
    "ftp://dnc.acme.com",
    "https://localhost",
    "https://localhost.",
    "https://127.0.0.1",
    "https://2130706433",
    "https://0x7f.1",
    "https://0177.0.0.1",
    "https://127.1",
    "https://[::1]",
    "https://[::ffff:127.0.0.1]",
    "https://169.254.169.254",
    "https://10.0.0.1",
    "https://①②⑦.0.0.1",
    "https://metadata.google.internal",
    "https://printer.local",
    "https://acme",
    "https://dnc.acme.com.",
    "https://dnc.acme.com:8443",
    "https://user@dnc.acme.com",
    "https://user:pass@dnc.acme.com",
    "https://dnc.acme.com?token=1",
    "https://dnc.acme.com#x",
    "https://1.2.3.4.in-addr.arpa",
    "javascript:alert(1)",
    "//dnc.acme.com",
    "dnc.acme.com",
    "",
  ])("%s may not", (url) => {
    expect(isPublicHttpsUrl(url)).toBe(false);
  });
});
