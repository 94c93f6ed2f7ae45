import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Letter, Mailer } from "../../src/providers/mail/contract.ts";
import { startSimulators } from "../../dev/simulators/simulators.ts";
import type { MailMode } from "../../dev/simulators/resend.ts";
import type { Simulators } from "../../dev/simulators/simulators.ts";

let keys = 0;
export const newKey = (): string => `5a8c7d9e-0000-4000-8000-${String((keys += 1)).padStart(12, "0")}`;
export const letterTo = (to: string, over: Partial<Letter> = {}): Letter => ({
  to,
  subject: "Sign in to Dialgate",
  text: "Sign in:\nhttps://api.dialgate.test/sign-in#secret",
  html: '<p><a href="https://api.dialgate.test/sign-in#secret">Sign in</a></p>',
  ...over,
});

/** What every provider of mail promises. `connect` makes one for the simulator's origin. */
export function mailContract(name: string, connect: (origin: string) => Mailer): void {
  describe(`${name}: the contract, against the simulator`, () => {
    let simulators: Simulators;
    let mailer: Mailer;
    beforeAll(async () => {
      simulators = await startSimulators();
      mailer = connect(simulators.origin);
    });
    afterEach(() => simulators.setMail("healthy"));
    afterAll(() => simulators.close());
    const asked = () => simulators.requests().length;

    test("a letter is delivered as it was given, to one address, and the answer names it", async () => {
      const answer = await mailer.send(letterTo("ann@example.com"), newKey());
      const [mail, ...more] = simulators.mailbox("ann@example.com");
      expect(more).toEqual([]);
      expect(answer).toEqual({ kind: "sent", providerId: mail?.id });
      expect(mail).toMatchObject({ ...letterTo("ann@example.com"), to: ["ann@example.com"], from: expect.stringContaining("@") });
    });

    test("asked again with the same key it answers the same, and nothing is delivered twice", async () => {
      const key = newKey();
      const first = await mailer.send(letterTo("twice@example.com"), key);
      expect(await mailer.send(letterTo("twice@example.com"), key)).toEqual(first);
      expect(simulators.mailbox("twice@example.com")).toHaveLength(1);
      // With another key it is another mail.
      await mailer.send(letterTo("twice@example.com"), newKey());
      expect(simulators.mailbox("twice@example.com")).toHaveLength(2);
    });

    test("the same key for another content is refused", async () => {
      const key = newKey();
      await mailer.send(letterTo("other@example.com"), key);
      const answer = await mailer.send(letterTo("other@example.com", { subject: "Another" }), key);
      expect(answer).toMatchObject({ kind: "refused" });
      expect(simulators.mailbox("other@example.com")).toHaveLength(1);
    });

    test.each<[MailMode]>([["dropped_after"], ["error_after"], ["unreadable"]])(
      "a mail that was taken and whose answer is lost (%s) is not known, and asked again it was delivered once",
      async (mode) => {
        const [key, to] = [newKey(), `${mode}@example.com`];
        simulators.setMail(mode, 1);
        expect(await mailer.send(letterTo(to), key)).toMatchObject({ kind: "unknown" });
        expect(simulators.mailbox(to)).toHaveLength(1);
        expect(await mailer.send(letterTo(to), key)).toMatchObject({ kind: "sent" });
        expect(simulators.mailbox(to)).toHaveLength(1);
      },
    );

    test.each<[MailMode]>([["dropped_before"], ["down"], ["redirect"], ["html_error"], ["concurrent"]])(
      "%s: not known, one request, none of the provider's words, and no secret of ours",
      async (mode) => {
        const before = asked();
        simulators.setMail(mode);
        const answer = await mailer.send(letterTo("canary@example.com", { subject: "canary" }), newKey());
        expect(answer).toMatchObject({ kind: "unknown", code: expect.stringMatching(/^[a-z_0-9]+$/) });
        expect(JSON.stringify(answer)).not.toContain("canary");
        expect(asked() - before).toBe(1);
        expect(simulators.mailbox("canary@example.com")).toEqual([]);
      },
    );

    test("limits and outages say when to come back, where the provider does", async () => {
      simulators.setMail("rate_limited", 1, 7);
      expect(await mailer.send(letterTo("ann@example.com"), newKey())).toMatchObject({ kind: "later", retryAfterSeconds: 7 });
      simulators.setMail("down", 1, 30);
      expect(await mailer.send(letterTo("ann@example.com"), newKey())).toMatchObject({ kind: "unknown", retryAfterSeconds: 30 });
      simulators.setMail("quota_exceeded", 1);
      expect(await mailer.send(letterTo("ann@example.com"), newKey())).toMatchObject({ kind: "later", retryAfterSeconds: null });
    });

    test.each<[MailMode]>([["unauthorized"], ["forbidden"]])(
      "%s: the account's fault and not the mail's, so later",
      async (mode) => {
        simulators.setMail(mode);
        expect(await mailer.send(letterTo("ann@example.com"), newKey())).toMatchObject({ kind: "later" });
      },
    );

    test.each([
      ["an address that is none", letterTo("canary at example.com")],
      ["two addresses in one", letterTo("canary@example.com, two@example.com")],
      ["a line end in the subject", letterTo("canary@example.com", { subject: "one\r\nBcc: canary@example.com" })],
    ])("%s is refused for good, without being repeated", async (_, letter) => {
      const answer = await mailer.send(letter, newKey());
      expect(answer).toMatchObject({ kind: "refused", code: expect.stringMatching(/^[a-z_0-9]+$/) });
      expect(JSON.stringify(answer)).not.toContain("canary");
      expect(simulators.mailbox("canary@example.com")).toEqual([]);
    });

    test("nothing leaves but sender, recipient, subject and bodies", async () => {
      await mailer.send({ ...letterTo("ann@example.com"), note: "canary" } as Letter, newKey());
      const request = simulators.requests().at(-1);
      expect(Object.keys(JSON.parse(request?.body ?? "") as object).toSorted()).toEqual([
        "from",
        "html",
        "subject",
        "text",
        "to",
      ]);
      expect(JSON.stringify(request)).not.toContain("canary");
    });

    test("a dead provider is not known", async () => {
      expect(await connect("http://127.0.0.1:9").send(letterTo("ann@example.com"), newKey())).toEqual({
        kind: "unknown",
        code: "connection_lost",
        retryAfterSeconds: null,
      });
    });
  });
}

/** For the real provider: its own address that takes everything. Two requests with one key are one mail. */
export function mailVendorContract(name: string, mailer: Mailer, sink: string): void {
  describe(`${name}: the contract, against the vendor`, () => {
    test("a letter is sent once for a key, and another content under that key is refused", async () => {
      const key = crypto.randomUUID();
      const first = await mailer.send(letterTo(sink), key);
      expect(first).toMatchObject({ kind: "sent" });
      expect(await mailer.send(letterTo(sink), key)).toEqual(first);
      expect(await mailer.send(letterTo(sink, { subject: "Another" }), key)).toMatchObject({ kind: "refused" });
    });
    test("an address that is none is refused", async () => {
      expect(await mailer.send(letterTo("not an address"), crypto.randomUUID())).toMatchObject({ kind: "refused" });
    });
  });
}
