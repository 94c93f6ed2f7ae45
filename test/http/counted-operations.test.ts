/** Each operation is asked once, and the counters that it asked are the quotas that the document names for it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { IdentityProvider } from "../../src/providers/sign-in/contract.ts";
import type { PolicyName } from "../../src/http/quotas.ts";
import { newestLink, openBrowser, tokenOf } from "../support/browser.ts";
import { makeMember, makePerson, makeSession, testOrigin } from "../support/users.ts";
import { memoryLimits } from "../support/rate-limits.ts";
import { type Api, type Caller, openApi, realNow } from "./api.ts";

const google = { name: "google", authorizationUrl: () => "https://google.test/" } as unknown as IdentityProvider;
const limits = memoryLimits();
const taken: PolicyName[] = [];
let isUsedUp = false;
/** What the address has of attempts is used up, so that who was there before goes on by their own. */
const counting: typeof limits = {
  ...limits,
  async take(...asked) {
    taken.push(asked[1].name);
    const answer = await limits.take(...asked);
    return answer !== null && isUsedUp && asked[1].name === "challenge_address" ? { ...answer, allowed: false } : answer;
  },
};

let api: Api;
let org: Caller;
/** Of a browser that has signed in before, as whom the document's example asks. */
let device = "";
beforeAll(async () => {
  api = await openApi({ rateLimits: counting, identityProviders: { google } });
  org = await api.seed();
  const [browser, email] = [openBrowser(api.deps), "ada@example.com"];
  await browser.send("POST", "/auth/link", { email });
  await browser.send("POST", "/auth/link/open", { token: tokenOf(await newestLink(api.mailbox, email)) });
  device = browser.cookies.get("__Host-dialgate-device") ?? "";
});
afterAll(() => api?.close());

interface Operation {
  readonly "x-rate-limit"?: readonly { readonly policy: PolicyName }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: { readonly $ref?: string } }> };
}
async function operations() {
  const { json } = await api.send("GET", "/openapi.json");
  const schemas = json.components.schemas as Record<string, { example?: unknown }>;
  return Object.entries(json.paths as Record<string, Record<string, Operation>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const named = operation.requestBody?.content["application/json"]?.schema.$ref?.split("/").at(-1);
      return {
        method: method.toUpperCase(),
        path,
        operation,
        example: named === undefined ? undefined : schemas[named]?.example,
      };
    }),
  );
}

type Stage = "open" | "factor_due";
/** Somebody who may all of it, anew for each: some of them end the session. */
async function owner(stage: Stage): Promise<Record<string, string>> {
  const person = await makePerson(api.db);
  await makeMember(api.db, org.orgId, person.userId, "owner");
  const session = await makeSession(api.db, api.deps.hashApiKey, person.userId, realNow, { org: org.orgId, stage });
  return {
    ...session.headers,
    cookie: `${session.headers["cookie"]}; __Host-dialgate-device=${device}`,
    origin: testOrigin,
  };
}

async function ask(
  { method, path, example }: Pick<Awaited<ReturnType<typeof operations>>[number], "method" | "path" | "example">,
  stage: Stage,
) {
  const isFile = path.endsWith("/file");
  const headers = {
    ...(await owner(stage)),
    ...(isFile ? { "content-type": "text/csv", "content-length": "1" } : {}),
    ...(method === "POST" && path.startsWith("/v1/") ? { "idempotency-key": api.deps.newId() } : {}),
  };
  const body = isFile || example === undefined ? {} : { body: example };
  const named = path.replace("{provider}", "google").replaceAll(/\{\w+\}/g, "x");
  isUsedUp = stage === "open";
  await api.send(method, named, { headers, ...body, ...(isFile ? { raw: "x" } : {}) });
}

test("the quotas that the document names for an operation are the counters that it asks", async () => {
  // Invitations are counted by the database, with what they count (invitations.test.ts).
  const elsewhere = new Set<PolicyName>(["key", "issuer", "invitation_address", "invitation_inviter", "invitation_org"]);
  const wrong: unknown[] = [];
  let challenges = 0;
  for (const { method, path, operation, example } of await operations()) {
    const documented = (operation["x-rate-limit"] ?? []).map(({ policy }) => policy);
    // Codes are counted by account for a session alone that waits for its factor.
    const stages: readonly Stage[] = documented.includes("challenge_code") ? ["open", "factor_due"] : ["open"];
    taken.length = 0;
    for (const stage of stages) await ask({ method, path, example }, stage);
    const asked = [...new Set(taken)].toSorted();
    const expected = documented.filter((name) => !elsewhere.has(name)).toSorted();
    if (expected.includes("challenge")) challenges += 1;
    if (asked.join() !== expected.join()) wrong.push({ operation: `${method} ${path}`, asked, expected });
  }
  expect(wrong).toEqual([]);
  expect(challenges).toBe(10);
}, 120_000);
