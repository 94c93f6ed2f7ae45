/** The deployed shape: sign-in inside workerd, with browsers, the worker and the providers each behind HTTP. */
import { expect, test } from "vitest";
import type { InWorkerd } from "../support/in-workerd.ts";

export function oidcInWorkerd(worker: InWorkerd): void {
  /** What a browser does with each answer: it keeps cookies and is sent on. */
  function openBrowser() {
    const cookies = new Map<string, string>();
    return async (url: string, init: RequestInit = {}) => {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
      const isOurs = url.startsWith(worker.stack.origin);
      const headers = { accept: "text/html", ...(isOurs ? { cookie } : {}), ...(init.headers as Record<string, string>) };
      const answer = await fetch(url, { ...init, headers, redirect: "manual" });
      for (const line of answer.headers.getSetCookie()) {
        const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        cookies.set(name, value);
      }
      return { status: answer.status, location: answer.headers.get("location"), text: await answer.text() };
    };
  }

  test.each(["google", "microsoft"])(
    "somebody signs in with %s, and the session is theirs",
    { timeout: 60_000 },
    async (vendor) => {
      const visit = openBrowser();
      const email = `ada.${vendor}@acme.test`;
      const begun = await visit(`${worker.stack.origin}/auth/oidc/${vendor}`, {
        method: "POST",
        headers: { origin: worker.stack.origin, "content-type": "application/x-www-form-urlencoded" },
      });
      expect(begun.status).toBe(303);
      const chosen = await visit(`${begun.location}&login_hint=${encodeURIComponent(email)}`);
      const done = await visit(chosen.location ?? "");
      expect([done.status, done.location]).toEqual([303, "/auth/signed-in"]);
      expect((await visit(`${worker.stack.origin}${done.location}`)).text).toContain("You are signed in");
      const me = await visit(`${worker.stack.origin}/v1/me`);
      expect(JSON.parse(me.text)).toMatchObject({ credential: "session", user: { email } });
      // The same answer again is nobody's sign-in, and a page says so.
      const again = await visit(chosen.location ?? "");
      expect(again.status).toBe(403);
      expect(again.text).toContain("This sign-in cannot be finished here");
    },
  );

  test("nobody signs in by a token that nobody signed", { timeout: 60_000 }, async () => {
    const visit = openBrowser();
    for (const scenario of ["alg-none", "alg-hs256", "forged", "unverified", "wrong-nonce"]) {
      const begun = await visit(`${worker.stack.origin}/auth/oidc/google`, { method: "POST", headers: { origin: worker.stack.origin, accept: "*/*" } });
      const { url } = JSON.parse(begun.text) as { url: string };
      const chosen = await visit(`${url}&login_hint=${encodeURIComponent(`ada+${scenario}@acme.test`)}`);
      expect((await visit(chosen.location ?? "")).status, scenario).toBe(403);
    }
    expect((await worker.stack.admin("select count(*)::integer as n from users where email like 'ada+%'")).rows).toEqual([{ n: 0 }]);
    expect((await visit(`${worker.stack.origin}/v1/me`)).status).toBe(401);
  }); // prettier-ignore
}
