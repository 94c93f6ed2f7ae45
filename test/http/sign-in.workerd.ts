/** The whole way in the deployed shape: the page and the routes in workerd, the mail by its queue, the link out of a mailbox. */
import { expect, test } from "vitest";
import type { InWorkerd } from "../support/in-workerd.ts";

export function signInInWorkerd(worker: InWorkerd): void {
  /** Its cookies, and what came. */
  function browser() {
    const cookies = new Map<string, string>();
    return async (method: string, path: string, body?: unknown) => {
      const answer = await fetch(`${worker.stack.origin}${path}`, {
        method,
        headers: {
          "sec-fetch-site": "same-origin",
          "content-type": "application/json",
          cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      for (const line of answer.headers.getSetCookie()) {
        const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        if (line.includes("Max-Age=0")) cookies.delete(name);
        else cookies.set(name, value);
      }
      const text = await answer.text();
      // oxlint-disable-next-line typescript/no-explicit-any -- a test reads what the wire says
      const json: any = text.startsWith("{") ? JSON.parse(text) : null;
      return { status: answer.status, headers: answer.headers, text, json };
    };
  }

  async function letter(to: string): Promise<string> {
    const deadline = Date.now() + 30_000;
    while (Date.now() < deadline) {
      const { data } = (await (await fetch(`${worker.stack.simulators.origin}/mailbox?to=${to}`)).json()) as {
        data: { text: string }[];
      };
      if (data[0] !== undefined) return data[0].text;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`no mail to ${to}: ${worker.log().slice(-5).join("\n")}`);
  }

  test("somebody signs in by the link in their mail, and by the code that their phone shows", { timeout: 60_000 }, async () => {
    const [laptop, phone] = [browser(), browser()];
    expect((await laptop("POST", "/auth/link", { email: "Ann@Example.com" })).json).toEqual({
      object: "sign_in_link",
      minutes: 10,
    });
    // No tick: asking wakes the sender.
    const text = await letter("ann@example.com");
    const token = /#([\w-]{43})\n/.exec(text)?.[1];
    expect(text).toContain(`${worker.stack.origin}/auth/link#${token}`);
    const page = await phone("GET", "/auth/link");
    expect(page.headers.get("content-security-policy")).toMatch(/script-src 'sha256-[\w+/]{43}='/);
    const shown = await phone("POST", "/auth/link/open", { token });
    expect(shown.json.status).toBe("relay");
    const entered = await laptop("POST", "/auth/link/relay", { code: shown.json.code });
    expect(entered.json).toMatchObject({ status: "signed_in", next: "done" });
    expect((await laptop("GET", "/v1/me")).json.user.email).toBe("ann@example.com");
    expect((await phone("GET", "/v1/me")).status).toBe(401);
    expect((await laptop("POST", "/auth/link/open", { token })).status).toBe(422);
    expect((await browser()("POST", "/auth/link", { email: "ann@\u0431\u044e\u0440\u043e.example" })).status).toBe(202);
    expect(await letter("ann@xn--90a0af9c.example")).toContain("/auth/link#");
    expect(worker.log().filter((line) => line.includes(token ?? "?") || line.toLowerCase().includes("ann@"))).toEqual([]);
  });
}
