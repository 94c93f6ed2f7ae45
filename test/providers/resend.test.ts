import { describe, expect, test, vi } from "vitest";
import { importKeyring } from "../../src/lib/sealing.ts";
import type { Letter, Mailer } from "../../src/providers/mail/contract.ts";
import { resend } from "../../src/providers/mail/resend.ts";
import { sealedLetters } from "../../src/providers/mail/sealed-letter.ts";
import { sealCredential } from "../../src/providers/seal-credential.ts";
import { letterTo, mailContract, mailVendorContract, newKey } from "./mail-contract.ts";
import { kek } from "./voice-bench.ts";

const from = "Dialgate <mail@dialgate.example>";
const apiKey = "re_0123456789abcdef";
mailContract("Resend", (origin) => resend({ origin, apiKey, from, fetch }));

// Drift between simulator and vendor shows here, wherever a key is named; delivered@resend.dev is the vendor's own sink.
const { RESEND_API_KEY, MAIL_FROM = "onboarding@resend.dev" } = process.env;
if (RESEND_API_KEY !== undefined && RESEND_API_KEY !== "") {
  const live = resend({ origin: "https://api.resend.com", apiKey: RESEND_API_KEY, from: MAIL_FROM, fetch });
  mailVendorContract("Resend", live, "delivered@resend.dev");
}

/** A vendor that says exactly this. */
const saying = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  resend({
    origin: "https://api.resend.test",
    apiKey,
    from,
    fetch: async () => new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers }),
  }).send(letterTo("ann@example.com"), newKey());

describe("Resend", () => {
  test("is asked at its origin, with the key, by one POST that follows no redirect and ends by itself", async () => {
    const sent: { url: string; init: RequestInit }[] = [];
    const mailer = resend({
      origin: "https://api.resend.test",
      apiKey,
      from,
      fetch: async (url, init) => {
        sent.push({ url, init });
        return Response.json({ id: "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794" });
      },
    });
    expect(await mailer.send(letterTo("ann@example.com"), "key-1")).toEqual({
      kind: "sent",
      providerId: "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794",
    });
    expect(sent).toHaveLength(1);
    const [{ url, init } = { url: "", init: {} }] = sent;
    expect(url).toBe("https://api.resend.test/emails");
    expect(init).toMatchObject({ method: "POST", redirect: "manual", signal: expect.any(AbortSignal) });
    const headers = new Headers(init.headers);
    expect(headers.get("authorization")).toBe(`Bearer ${apiKey}`);
    expect(headers.get("idempotency-key")).toBe("key-1");
    expect(JSON.parse(init.body as string)).toMatchObject({ from, to: ["ann@example.com"] });
  });

  test.each([
    [400, "validation_error", "refused"],
    [400, "invalid_idempotency_key", "refused"],
    [401, "missing_api_key", "later"],
    [401, "restricted_api_key", "later"],
    [403, "invalid_api_key", "later"],
    [403, "validation_error", "later"],
    [404, "not_found", "later"],
    [405, "method_not_allowed", "later"],
    [409, "invalid_idempotent_request", "refused"],
    [409, "concurrent_idempotent_requests", "unknown"],
    [422, "missing_required_field", "refused"],
    [422, "invalid_from_address", "refused"],
    [429, "rate_limit_exceeded", "later"],
    [429, "monthly_quota_exceeded", "later"],
    [451, "security_error", "refused"],
    [500, "application_error", "unknown"],
    [500, "internal_server_error", "unknown"],
    [418, "validation_error", "unknown"],
  ])("%i %s: %s", async (status, name, kind) => {
    expect(await saying(status, { statusCode: status, name, message: "ann@example.com" })).toMatchObject({ kind, code: name });
  });

  test("a word of its that is not known, and words that are not JSON, become the status", async () => {
    expect(await saying(422, { name: "ann@example.com", message: "x" })).toEqual({ kind: "refused", code: "status_422" });
    expect(await saying(503, "<html>ann@example.com")).toMatchObject({ kind: "unknown", code: "status_503" });
    expect(await saying(500, { name: ["x"] })).toMatchObject({ code: "status_500" });
  });

  test.each(["soon", "-1", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT", "99999999", ""])(
    "retry-after %j is not read as seconds",
    async (value) => {
      expect(await saying(429, {}, { "retry-after": value })).toMatchObject({ kind: "later", retryAfterSeconds: null });
    },
  );

  test("retry-after is a day at most", async () => {
    expect(await saying(429, {}, { "retry-after": "999999" })).toMatchObject({ retryAfterSeconds: 86_400 });
  });

  test.each([{}, { id: 7 }, { id: "../other" }, { id: "x".repeat(500) }, "not json", "[]"])(
    "a 200 that names no mail (%j) is not known",
    async (body) => {
      expect(await saying(200, body)).toMatchObject({ kind: "unknown", code: "answer_unreadable" });
    },
  );

  test("an answer without end is not read to its end", async () => {
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(16_384)) });
    const mailer = resend({ origin: "https://a.test", apiKey, from, fetch: async () => new Response(endless) });
    expect(await mailer.send(letterTo("ann@example.com"), "k")).toMatchObject({ kind: "unknown", code: "answer_too_large" });
  });

  test("with the library's own debugging switched on says nothing either", async () => {
    vi.stubEnv("RESEND_DEBUG", "true");
    const said = vi.spyOn(console, "error").mockImplementation(() => undefined);
    await saying(422, { name: "validation_error", message: "Invalid `to` field: ann@example.com" });
    await saying(500, "ann@example.com");
    expect(said).not.toHaveBeenCalled();
    said.mockRestore();
    vi.unstubAllEnvs();
  });
});

describe("a sealed letter", async () => {
  const keyring = await importKeyring({ V1: kek(1) }, "V1");
  const sent: { letter: Letter; key: string }[] = [];
  const mailer: Mailer = {
    async send(letter, key) {
      sent.push({ letter: { ...letter }, key });
      return { kind: "sent", providerId: "p" };
    },
  };
  const { seal, send } = sealedLetters(keyring, mailer);
  const unreadable = { kind: "unknown", code: "content_unreadable", retryAfterSeconds: null };
  const stored = (sealed: unknown): unknown => JSON.parse(JSON.stringify(sealed));

  test("is sent as it was sealed, under its own id as the key", async () => {
    const id = newKey();
    const sealed = await seal(id, letterTo("ann@example.com"));
    expect(await send(id, stored(sealed))).toEqual({ kind: "sent", providerId: "p" });
    expect(sent.at(-1)).toEqual({ letter: letterTo("ann@example.com"), key: id });
  });

  test("holds nothing of it in the clear", async () => {
    const text = JSON.stringify(await seal(newKey(), letterTo("ann@example.com")));
    for (const word of ["ann", "example", "Sign in", "secret"]) expect(text).not.toContain(word);
  });

  test("swapped with another mail's, changed, or sealed for another purpose or kind is not sent", async () => {
    const [one, other] = [newKey(), newKey()];
    const [mine, theirs] = [await seal(one, letterTo("ann@example.com")), await seal(other, letterTo("bob@example.com"))];
    const before = sent.length;
    const identity = { orgId: "00000000-0000-0000-0000-000000000000", kind: "mail", connectionId: one, version: 1 };
    const fields = { ...letterTo("eve@example.com") };
    const wrong = [
      theirs,
      { ...mine, ciphertext: theirs.ciphertext, nonce: theirs.nonce },
      { ...mine, wrapped: theirs.wrapped },
      { ...mine, version: 2 },
      await sealCredential(keyring, identity, ["verify"], fields),
      await sealCredential(keyring, { ...identity, kind: "voice" }, ["send"], fields),
      await sealCredential(await importKeyring({ V1: kek(2) }, "V1"), identity, ["send"], fields),
      null,
      "text",
      {},
    ];
    for (const sealed of wrong) expect(await send(one, stored(sealed))).toEqual(unreadable);
    expect(sent).toHaveLength(before);
    // The control: what belongs to it is sent.
    expect(await send(one, stored(mine))).toMatchObject({ kind: "sent" });
  });

  test("is emptied when the call is over", async () => {
    let held: Letter | undefined;
    const keeping = sealedLetters(keyring, {
      async send(letter) {
        held = letter;
        return { kind: "sent", providerId: "p" };
      },
    });
    const id = newKey();
    await keeping.send(id, await seal(id, letterTo("ann@example.com")));
    expect(held).toBeDefined();
    expect(JSON.stringify(held)).not.toContain("ann");
  });
});
