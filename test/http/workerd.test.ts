/** The deployed shape: what must work in workerd itself, by its own fetch, queues, crons and WebCrypto. */
import { afterAll, beforeAll, describe } from "vitest";
import { startStack, type Stack } from "../../dev/stack.ts";
import { mailInWorkerd } from "../jobs/mail.workerd.ts";
import type { InWorkerd } from "../support/in-workerd.ts";
import { oidcInWorkerd } from "./oidc.workerd.ts";
import { secondFactorsInWorkerd } from "./second-factors.workerd.ts";
import { signInInWorkerd } from "./sign-in.workerd.ts";

let stack: Stack;
const lines: string[] = [];
beforeAll(async () => {
  stack = await startStack({ vars: { MAGIC_LINK_TTL_MINUTES: "10" }, onLog: (line) => void lines.push(line) });
}, 120_000);
afterAll(() => stack?.close());

describe.each([
  ["sign-in by mail", signInInWorkerd],
  ["sign-in at Google and Microsoft", oidcInWorkerd],
  ["second factors", secondFactorsInWorkerd],
  ["mail", mailInWorkerd],
] as const)("%s", (_, suite: (worker: InWorkerd) => void) => {
  let from = 0;
  beforeAll(() => {
    from = lines.length;
  });
  suite({
    get stack() {
      return stack;
    },
    log: () => lines.slice(from),
  });
});
