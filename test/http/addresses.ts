/** What can be told apart of an address that has an account and one that has none, by asking for a link: bytes, and time. */
import { createApp } from "../../src/http/app.ts";
import type { HttpDeps } from "../../src/http/http-env.ts";
import { openBrowser, newestLink, tokenOf } from "../support/browser.ts";
import { makePerson } from "../support/users.ts";
import type { Api } from "./api.ts";

interface Asked {
  readonly milliseconds: number;
  /** Status, headers and body, but for what differs between any two answers. */
  readonly told: string;
}
export interface Compared {
  readonly pairs: number;
  /** Pairs whose answers were not the same. */
  readonly differing: number;
  /** How well time tells the two apart: 0.5 is not at all, 1 is always. */
  readonly auc: number;
  readonly medianMilliseconds: number;
}

const app = createApp();
const address = (name: string, n: number): string => `${name}.${String(n).padStart(5, "0")}@people.test`;
/** Real accounts: with sessions and browsers of theirs, where signing in made them. */
const accounts = 40;
export async function makeAccounts(api: Api): Promise<readonly string[]> {
  const known = Array.from({ length: accounts }, (_, n) => address("known-00", n));
  for (const email of known.slice(0, 5)) {
    const browser = openBrowser(api.deps);
    await browser.send("POST", "/auth/link", { email });
    await browser.send("POST", "/auth/link/open", { token: tokenOf(await newestLink(api.mailbox, email)) });
  }
  for (const email of known.slice(5)) await makePerson(api.db, email);
  return known;
}

async function ask(deps: HttpDeps, email: string): Promise<Asked> {
  const request = new Request(`${deps.publicOrigin}/auth/link`, {
    method: "POST",
    headers: { "content-type": "application/json", "sec-fetch-site": "same-origin" },
    body: JSON.stringify({ email }),
  });
  const began = performance.now();
  const answer = await app.fetch(request, deps);
  const body = await answer.text();
  const milliseconds = performance.now() - began;
  const headers = [...answer.headers]
    .filter(([name]) => name !== "request-id")
    .map(
      ([name, value]) => `${name}: ${name === "ratelimit" ? value.replaceAll(/=\d+/g, "=") : value.replace(/=[\w-]{43};/, "=;")}`,
    );
  return { milliseconds, told: [answer.status, ...headers, body].join("\n") };
}

/**
 * Pairs one after the other, each of one known and one unknown address in an order drawn for it, so that whatever slows the
 * machine slows both alike. The first ones warm up and are not counted.
 */
export async function comparePairs(deps: HttpDeps, known: readonly string[], pairs: number): Promise<Compared> {
  const warmUp = Math.max(20, Math.ceil(pairs / 10));
  const times = { known: [] as number[], unknown: [] as number[] };
  let differing = 0;
  let seed = 7;
  for (let n = 0; n < pairs + warmUp; n += 1) {
    const both = { known: known[n % known.length] ?? "", unknown: address("stranger", n) };
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    const order = seed % 65_536 < 32_768 ? (["known", "unknown"] as const) : (["unknown", "known"] as const);
    const answers = { known: "", unknown: "" };
    for (const which of order) {
      const { milliseconds, told } = await ask(deps, both[which]);
      answers[which] = told;
      if (n >= warmUp) times[which].push(milliseconds);
    }
    if (n >= warmUp && (answers.known !== answers.unknown || !answers.known.startsWith("202\n"))) differing += 1;
  }
  const all = [...times.known, ...times.unknown].toSorted((one, other) => one - other);
  return { pairs, differing, auc: apart(times.known, times.unknown), medianMilliseconds: all[pairs] ?? 0 };
}

/** Area under the curve of the best guess by time alone (Mann-Whitney), whichever of the two is the slower. */
function apart(one: readonly number[], other: readonly number[]): number {
  const ranked = [...one.map((value) => ({ value, mine: 1 })), ...other.map((value) => ({ value, mine: 0 }))];
  ranked.sort((left, right) => left.value - right.value);
  let ranks = 0;
  for (let from = 0; from < ranked.length;) {
    let to = from;
    while (to < ranked.length && ranked[to]?.value === ranked[from]?.value) to += 1;
    for (let at = from; at < to; at += 1) ranks += (ranked[at]?.mine ?? 0) * ((from + to + 1) / 2);
    from = to;
  }
  const area = (ranks - (one.length * (one.length + 1)) / 2) / (one.length * other.length);
  return Math.max(area, 1 - area);
}

/** The same API as one that looks at accounts when it is asked: for those that are there the account, then its sessions. */
export const thatLooks = (api: Api, known: readonly string[]): HttpDeps => ({
  ...api.deps,
  sealLetter: async (id, letter) => {
    if (known.includes(letter.to)) {
      const look = (text: string) => api.deps.system.query({ name: "look", text, params: [letter.to] });
      await look("select 1 from users u where u.email = $1");
      await look("select 1 from sessions s join users u on u.id = s.user_id where u.email = $1");
    }
    return api.deps.sealLetter(id, letter);
  },
});

/** The same API as one that answers of an account what it does not of a stranger. */
export const thatTells = (api: Api, known: readonly string[]): HttpDeps => ({
  ...api.deps,
  report: () => undefined,
  sealLetter: async (id, letter) => {
    if (known.includes(letter.to)) throw new Error("planted");
    return api.deps.sealLetter(id, letter);
  },
});
