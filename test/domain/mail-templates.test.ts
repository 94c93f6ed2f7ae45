import { describe, expect, test } from "vitest";
import { type NewMail, sealMail } from "../../src/domain/mail/mail.ts";
import { renderMail } from "../../src/domain/mail/render-mail.ts";
import { quoted } from "../../src/domain/mail/others-words.ts";
import type { MailContent, MailKind } from "../../src/domain/mail/templates.ts";
import type { Instant } from "../../src/lib/instant.ts";
import { isStorable } from "../../src/lib/storable-text.ts";

const origin = "https://api.dialgate.test";
const url = `${origin}/sign-in#token=abc&x=1`;
const at = "2026-11-20T09:00:00Z" as Instant;

/** Each kind with `words` wherever someone else's words go. */
const contents = (words: string, email = words): { readonly [K in MailKind]: Extract<MailContent, { kind: K }> } => ({
  sign_in_link: { kind: "sign_in_link", params: { url, minutes: 15 } },
  invitation: { kind: "invitation", params: { orgName: words, inviter: { name: words, email }, role: "admin", url, days: 7 } },
  new_device: { kind: "new_device", params: { when: at, device: words, country: words } },
  session_elsewhere: { kind: "session_elsewhere", params: { when: at, device: words, country: words } },
  sign_in_added: { kind: "sign_in_added", params: { when: at, provider: "Google", identityId: "idn_01" } },
  sign_in_removed: { kind: "sign_in_removed", params: { when: at, provider: "Microsoft", ended: 2 } },
  key_alert: {
    kind: "key_alert",
    params: {
      orgName: words,
      key: { kind: "token_issuer", name: words, id: "iss_01" },
      what: "new_network",
      networks: ["192.0.2.0/24"],
    },
  },
  key_leaked: {
    kind: "key_leaked",
    params: { orgName: words, keyName: words, keyId: "key_01", came: [{ kind: "token_issuer", name: words, id: "iss_01" }] },
  },
  role_changed: {
    kind: "role_changed",
    params: { orgName: words, when: at, former: "admin", by: { name: words, email }, to: "viewer", owners: [email] },
  },
  removed_from_org: {
    kind: "removed_from_org",
    params: { orgName: words, when: at, former: "admin", by: { name: words, email }, ended: 2, owners: [email] },
  },
  left_org: { kind: "left_org", params: { orgName: words, when: at, former: "admin", ended: 2, owners: [email] } },
  member_left: {
    kind: "member_left",
    params: { orgName: words, when: at, former: "admin", who: email, userId: "user_01", ended: 2 },
  },
  too_many_failures: { kind: "too_many_failures", params: { when: at } },
  factor_changed: { kind: "factor_changed", params: { when: at, what: "recovery_code_used", codesLeft: 9 } },
  support_opened: {
    kind: "support_opened",
    params: {
      orgName: words,
      orgId: "org_01",
      grantId: "sgr_01",
      operator: { name: words, email },
      role: "admin",
      reason: words,
      until: at,
    },
  },
});
const all = (words: string): MailContent[] => Object.values(contents(words));
/** What a mail program makes of the HTML, near enough: tags away, entities read. */
const seen = (html: string): string =>
  html
    .replaceAll(/<title>.*?<\/title>|<[^>]*>/gs, "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");
const flat = (text: string): string => text.replaceAll(/\s+/g, " ").trim();

describe("the mails", () => {
  test.each(all("Acme Solar"))("$kind says in HTML what it says in plain text, and names the product", (content) => {
    const { subject, text, html } = renderMail(content, origin);
    expect(subject.length).toBeGreaterThan(10);
    expect(text).toContain(origin);
    expect(text).toContain("Dialgate");
    const paragraphs = text.split("\n\n").flatMap((part) => part.split("\n"));
    for (const line of paragraphs.filter((one) => one !== "" && one !== "--"))
      expect(flat(seen(html)), line).toContain(flat(line).replace(/:$/, ""));
    expect(html).toContain(`<title>${subject.replaceAll("'", "&#39;")}</title>`);
  });

  test("say what they are told", () => {
    const { invitation, new_device: device, support_opened: support, sign_in_link: link } = contents("Acme Solar");
    expect(renderMail(invitation, origin).subject).toBe("Invitation to “Acme Solar” on Dialgate");
    expect(renderMail(invitation, origin).text).toContain("“Acme Solar” invites you to join");
    expect(renderMail(invitation, origin).text).toContain("as admin.");
    expect(renderMail(invitation, origin).text).toContain("7 days");
    expect(renderMail({ ...invitation, params: { ...invitation.params, inviter: null, days: 1 } }, origin).text).toMatch(
      /You are invited to join[^]*1 day\./,
    );
    expect(renderMail(device, origin).text).toContain("2026-11-20 09:00 UTC");
    expect(renderMail(support, origin).text).toContain("until 2026-11-20 09:00 UTC");
    expect(renderMail(link, origin).text).toContain(`Sign in:\n${url}\n`);
    expect(renderMail(link, origin).text).toContain("15 minutes");
  });

  test("lead to a page of ours beside each request that a browser cannot send, without a token", () => {
    const led = (content: MailContent) =>
      [...renderMail(content, origin).text.matchAll(/https:\S+/g)]
        .map(([address]) => address)
        .filter((address) => address !== origin);
    const [account, factors] = [`${origin}/auth/account`, `${origin}/auth/factors`];
    const of = contents("Acme");
    for (const content of [
      of.new_device,
      of.session_elsewhere,
      of.sign_in_added,
      of.left_org,
      of.too_many_failures,
      of.support_opened,
    ])
      expect([content.kind, led(content)]).toEqual([content.kind, [account]]);
    for (const content of [of.sign_in_removed, of.factor_changed])
      expect([content.kind, led(content)]).toEqual([content.kind, [account, factors]]);
    for (const content of all("Acme").filter(
      ({ kind }) => kind !== "key_alert" && kind !== "key_leaked" && kind !== "member_left",
    ))
      if (/\/v1\//.test(renderMail(content, origin).text))
        expect([content.kind, led(content)]).toEqual([content.kind, expect.arrayContaining([account])]);
    expect(renderMail(of.support_opened, origin).text).toContain("“Acme” (“Acme”), an operator of Dialgate, can act as admin");
  });

  test("name a token issuer as one, and of many networks the first five", () => {
    const { key_alert: alert } = contents("CRM");
    const { subject, text } = renderMail(
      { ...alert, params: { ...alert.params, networks: Array.from({ length: 8 }, (_, n) => `192.0.${n}.0/24`) } },
      origin,
    );
    expect(subject).toBe("A token issuer of “CRM” is used in a new way");
    expect(text).toContain("The token issuer “CRM” (iss_01) of “CRM”");
    expect(text).toContain("192.0.4.0/24 and 3 more.");
    expect(text).not.toContain("192.0.5.0");
    expect(text).toContain("DELETE /v1/token_issuers/iss_01");
    expect(text).not.toContain("api_keys");
  });

  test("link to this service only, and load nothing", () => {
    for (const content of all("Acme")) {
      const { text, html } = renderMail(content, origin);
      for (const [address] of `${text}\n${html}`.matchAll(/https?:[^\s"<]+/g)) expect(address.startsWith(origin)).toBe(true);
      expect(html).not.toMatch(/<(img|script|link|iframe|style|form)|url\(|src=/i);
    }
    const { sign_in_link: link } = contents("x");
    const leading = (to: string) => () => renderMail({ ...link, params: { url: to, minutes: 15 } }, origin);
    for (const to of ["https://evil.test/", `${origin}.evil.test/`, `${origin}@evil.test/`, origin, "javascript:alert(1)", ""])
      expect(leading(to), to).toThrow("a mail links to this service only");
    for (const to of [`${origin}/a b`, `${origin}/a\nhttps://evil.test/`]) expect(leading(to), to).toThrow("no white space");
    try {
      leading("https://canary.test/token")();
    } catch (error) {
      expect(String(error)).not.toContain("canary");
    }
  });

  test("an address in a link cannot end it early", () => {
    const { sign_in_link: link } = contents("x");
    const { html } = renderMail({ ...link, params: { url: `${origin}/"><script>alert(1)</script>`, minutes: 15 } }, origin);
    expect(html).not.toContain("<script");
    expect(html).toContain(`href="${origin}/&quot;&gt;&lt;script&gt;`);
  });
});

const hostile: [string, string][] = [
  ["header lines", "Acme\r\nBcc: eve@evil.test\r\n\r\n<b>body</b>"],
  ["line ends of other kinds", "Acme\u2028two\u2029three\u0085four\vfive"],
  ["markup", `</p></body><script>alert(1)</script><img src=x onerror=alert(1)>"'&<a href="https://evil.test">click</a>`],
  ["an entity", "&lt;b&gt; &#106;avascript"],
  ["a link", "Pay now at https://evil.test/login or www.evil.test or eve@evil.test"],
  ["very many characters", "A".repeat(100_000)],
  ["very many marks", `a${"\u0301".repeat(100_000)}`],
  ["direction and width", "\u202eemca\u202c \u200bzero\u200dwidth\ufeff \u2066x\u2069"],
  ["control characters", "a\0b\u0007c\u001b[31md\u007f"],
  ["half of a pair", "a\ud800b"],
  ["nothing", ""],
  ["nothing to see", " \u200b\u00a0 "],
  ["quotes", "Acme” on Dialgate. Your account is closed. “x"],
];
describe.each(hostile)("someone's words that hold %s", (_, words) => {
  test.each(all(words))("are harmless in $kind", (content) => {
    const { subject, text, html } = renderMail(content, origin);
    expect(subject).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(subject.length).toBeLessThan(160);
    expect(text.length).toBeLessThan(2_500);
    expect(html.length).toBeLessThan(5_000);
    for (const part of [subject, text, html]) {
      expect(part.replaceAll("\n", " ")).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      expect(isStorable(part)).toBe(true);
      for (const link of [/evil\.test/, /eve@/, /:\/\/evil/]) expect(part).not.toMatch(link);
    }
    // The frame is the same as with a harmless name: no paragraph, tag or line was added.
    const frame = (html: string) => html.replaceAll(/>[^<]*</g, "><").split("\n").length;
    const tags = (html: string) => [...html.matchAll(/<[^>]*>/g)].map(([tag]) => tag);
    const plain = renderMail(contents("Acme")[content.kind], origin);
    expect(tags(html)).toEqual(tags(plain.html));
    expect(frame(html)).toBe(frame(plain.html));
    expect(text.split("\n").length).toBe(plain.text.split("\n").length);
    // Words of ours stand outside the quotes; the words of others inside, and they cannot leave them.
    const outside = (text: string) => text.replaceAll(/“[^“”]*”/g, "“”");
    expect(outside(text)).toBe(outside(plain.text));
    expect(outside(subject)).toBe(outside(plain.subject));
  });
});

describe("an address that somebody signs in by", () => {
  const mailsWith = (email: string) => {
    const { invitation, role_changed: changed, removed_from_org: removed, left_org: left, member_left: gone, support_opened: support } = contents("Acme", email);
    const unnamed = { name: null, email };
    return [
      { ...invitation, params: { ...invitation.params, inviter: unnamed } },
      changed,
      removed,
      left,
      gone,
      support,
      { ...support, params: { ...support.params, operator: unnamed } },
    ].map((content) => renderMail(content, origin));
  }; // prettier-ignore
  test.each(["operator@example.com", "o'brien+crm&co={x}|y@mail.example", "first.last@xn--mller-kva.example", `${"a".repeat(64)}@example.com`])(
    "is written as it is: %s", (email) => {
      for (const { text, html, subject } of mailsWith(email)) {
        expect(text).toContain(email);
        expect(seen(html)).toContain(email);
        expect(html).not.toMatch(/&(?!(amp|lt|gt|quot|#39);)/);
        expect(subject).not.toContain("@");
      }
    }); // prettier-ignore

  test.each([
    "eve@evil.test\r\nBcc: all@evil.test",
    "Eve <eve@evil.test>",
    '"><script>@evil.test',
    "https://evil.test/@evil.test",
    "www.evil.test/login@evil.test",
    "www.evil.test@evil.test",
    "evil.test?x=1#@evil.test",
    "evil.test/login@evil.test",
    "evil.test?login@evil.test",
    "evil.test#login@evil.test",
    "Eve@Evil.test",
    "eve@evil.test.",
    "eve\u202e@evil.test",
  ])("is a name like any other where it is none in that form, or reads as a page's: %j", (email) => {
    for (const { text, html, subject } of mailsWith(email)) {
      expect(html).not.toContain("<script");
      for (const part of [text, html, subject]) {
        expect(part).not.toMatch(/evil\.test|all@|\u202e/i);
        expect(part).not.toMatch(/\r|\nBcc/);
      }
    }
  });
});

test("a mail of a role says who changed it, when, from what, and whom to ask", () => {
  const { role_changed: changed, removed_from_org: removed, left_org: left, member_left: gone } = contents("Acme", "dana@acme.example");
  const textOf = (content: MailContent) => flat(renderMail(content, origin).text);
  expect(textOf(changed)).toContain(
    "In the organisation “Acme” you are now viewer. You were admin, until “Acme” (dana@acme.example) changed that at 2026-11-20 09:00 UTC. Your sessions, and the API keys and token issuers that you answer for, do no more than that role may. If you do not know why, ask an owner of the organisation (dana@acme.example).",
  );
  const raised = { ...changed, params: { ...changed.params, to: "owner", by: null, owners: [] } } as const;
  expect(textOf(raised)).toContain("You were admin, until you changed that in a session of yours at 2026-11-20 09:00 UTC. If that was not you, sign in");
  expect(textOf(raised)).toContain("and ask an owner of the organisation.");
  const page = `${origin}/auth/account`;
  expect([renderMail(raised, origin).text.includes(page), renderMail(changed, origin).text.includes(page)]).toEqual([true, false]);
  expect(textOf(removed)).toContain(
    "At 2026-11-20 09:00 UTC “Acme” (dana@acme.example) removed you from the organisation “Acme”, in which you were admin. Your sessions open nothing there any more. 2 API keys and token issuers that you answered for ended with that. If you do not know why, ask an owner of the organisation (dana@acme.example).",
  );
  expect(textOf(left)).toContain("At 2026-11-20 09:00 UTC you left the organisation “Acme”, in which you were admin, in a session of yours.");
  expect(textOf(left)).toContain("and ask an owner of the organisation (dana@acme.example) to invite you again.");
  expect(textOf(gone)).toContain("At 2026-11-20 09:00 UTC dana@acme.example (user_01), who was admin, left the organisation “Acme”. 2 API keys and token issuers that they answered for ended with that.");
}); // prettier-ignore

test("ordinary names stay as they are", () => {
  for (const name of ["Acme Solar LLC", "Müller & Söhne, Inc.", "O'Brien", "日本電話", "Firefox 133 on Linux"])
    expect(quoted(name)).toBe(`“${name}”`);
  expect(quoted("A".repeat(80))).toBe(`“${"A".repeat(80)}”`);
  expect(quoted("A".repeat(81))).toBe(`“${"A".repeat(79)}…”`);
});

describe("a mail to be queued", () => {
  const sealed: unknown[] = [];
  const deps = {
    newId: () => "019a9b2c-7d00-7000-8000-000000000001",
    publicOrigin: origin,
    sealLetter: async (id: string, letter: object) => {
      sealed.push({ id, ...letter });
      return { version: 1, kek_version: "V1", nonce: "n", ciphertext: "c", wrapped: {} };
    },
  };
  const mail: NewMail = { ...contents("Acme").invitation, to: "ann@example.com", dedupeKey: "invitation:inv_01" };

  test("is sealed whole, under the id that its row has, and its statement names none of it", async () => {
    const statement = await sealMail(deps, mail);
    expect(sealed.at(-1)).toMatchObject({ id: deps.newId(), to: "ann@example.com", subject: expect.any(String) });
    expect(statement.name).toBe("app.queue_mail");
    expect(statement.params[0]).toBe(deps.newId());
    for (const word of ["ann@", "Acme", origin, "token"]) expect(JSON.stringify(statement)).not.toContain(word);
  });

  test.each([
    "",
    "ann",
    "ann@example.com, eve@evil.test",
    "ann@example.com;eve@evil.test",
    "Ann <ann@example.com>",
    "ann@example.com\r\nBcc: eve@evil.test",
    "ann@example.com\u202e",
    "ann@@example.com",
    '"ann"@example.com',
    `${"a".repeat(320)}@example.com`,
  ])("to %j is refused before anything is sealed, and the error does not repeat it", async (to) => {
    const before = sealed.length;
    const error = await sealMail(deps, { ...mail, to }).then(() => null, String);
    expect(error).toBe("RangeError: a mail goes to one address");
    expect(sealed).toHaveLength(before);
  });

  test("under a key that could hold an address is refused", async () => {
    for (const dedupeKey of ["", "invitation:ann@example.com", "a b", "x".repeat(201)])
      await expect(sealMail(deps, { ...mail, dedupeKey })).rejects.toThrow("a mail's dedupe key is made of ids and dates");
  });
});
