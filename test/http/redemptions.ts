/** Many at once with everything that a link takes: its token, or its code, and the asking browser's cookies. */
import { expect } from "vitest";
import { createApp } from "../../src/http/app.ts";
import type { HttpDeps } from "../../src/http/http-env.ts";
import { newestLink, openBrowser, tokenOf } from "../support/browser.ts";
import type { Api } from "./api.ts";

export const ways = ["the link", "the code", "the link and the code"] as const;
interface Redeemed {
  readonly asked: number;
  readonly signedIn: number;
  /** Told that it does not work. */
  readonly refused: number;
  /** Anything else, as a database that was out of connections. */
  readonly other: readonly string[];
  readonly sessions: number;
}

/** @param deps what the many are served with; who asks is served with the API's own. */
export async function redeemAtOnce(api: Api, deps: HttpDeps, way: (typeof ways)[number], count: number): Promise<Redeemed> {
  const browser = openBrowser(api.deps);
  const email = `at.once.${way.replaceAll(" ", ".")}@people.test`;
  expect((await browser.send("POST", "/auth/link", { email })).status).toBe(202);
  const token = tokenOf(await newestLink(api.mailbox, email));
  const { code } = (await openBrowser(api.deps).send("POST", "/auth/link/open", { token })).json;
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  const app = createApp();
  const redeem = async (n: number): Promise<string> => {
    const byCode = way === "the code" || (way !== "the link" && n % 2 === 1);
    const request = new Request(`${api.deps.publicOrigin}/auth/link/${byCode ? "relay" : "open"}`, {
      method: "POST",
      headers: { cookie, "sec-fetch-site": "same-origin", "content-type": "application/json" },
      body: JSON.stringify(byCode ? { code } : { token }),
    });
    const answer = await app.fetch(request, deps);
    const body = (await answer.json()) as { status?: unknown; code?: string };
    return answer.status === 200 ? String(body.status) : (body.code ?? "unread");
  };
  const answers = await Promise.all(Array.from({ length: count }, (_, n) => redeem(n)));
  const counted = (answer: string) => answers.filter((one) => one === answer).length;
  const { rows } = await api.db.admin(
    "select count(*)::integer as sessions from sessions s join users u on u.id = s.user_id where u.email = $1",
    [email],
  );
  return {
    asked: count,
    signedIn: counted("signed_in"),
    refused: counted("invalid_request"),
    other: answers.filter((one) => one !== "signed_in" && one !== "invalid_request"),
    sessions: rows[0]?.["sessions"] as number,
  };
}
