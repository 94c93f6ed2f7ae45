/**
 * `npm run demo`: a file of leads becomes gated calls, on this machine alone. `--once` ends after the report, with a code
 * other than 0 if a promise was not kept; without it everything keeps serving.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Instant } from "../src/lib/instant.ts";
import { apiClient } from "./demo/api-client.ts";
import { connect } from "./demo/connect.ts";
import { dayEnds, dialTheDay } from "./demo/dial-the-day.ts";
import { importLeads, scrub } from "./demo/import-leads.ts";
import { bold, dim, heading, red, say } from "./demo/print.ts";
import { audit, report } from "./demo/report.ts";
import { type Demo, data, importedAt } from "./demo/story.ts";
import { exportCommand } from "./export-chain.ts";
import { type Stack, startStack } from "./stack.ts";

const operator = "operator@example.com";
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

async function main(): Promise<void> {
  for (const signal of signals) process.once(signal, () => setTimeout(() => process.exit(130), 5_000).unref());
  const { once = false, verbose = false } = parseArgs({
    options: { once: { type: "boolean" }, verbose: { type: "boolean" } },
  }).values;
  const began = Date.now();
  say(bold("Dialgate") + dim("  everything below runs on this machine; nothing rings"));
  const stack = await startStack({
    registry: join(data, "dnc-registry.txt"),
    ...(once ? {} : { port: 8787 }),
    onLog: (line) => (verbose ? say(dim(line)) : undefined),
  });
  let kept = false;
  try {
    const { org, apiKey } = await stack.seed("Acme Leads", importedAt);
    const demo: Demo = { stack, org, api: apiClient(stack.origin, apiKey) };
    kept = await tellTheStory(demo);
    if (!once) await whereNext(demo);
    say(dim(`  docs/ has the rest. ${Math.round((Date.now() - began) / 1000)} s.`));
    if (!once) await untilInterrupted(stack);
  } finally {
    await stack.close();
  }
  process.exitCode = kept ? 0 : 1;
}

async function tellTheStory(demo: Demo): Promise<boolean> {
  const setUp = await connect(demo);
  const imported = await importLeads(demo, setUp.seller);
  await scrub(demo);
  const stops = await dialTheDay(demo, setUp, imported.id);
  await report(demo, stops);
  return audit(demo, imported, stops);
}

async function whereNext({ stack, api }: Demo): Promise<void> {
  heading("Where to look next");
  // An organisation of its own, so that the README's first calls begin where they say, and disturb nothing above.
  const { apiKey } = await stack.seed("First calls", dayEnds as Instant);
  say(`  ${bold("For the README's first API calls, in another terminal:")}`);
  say(`  export DIALGATE=${stack.origin} SIMULATOR=${stack.simulators.origin} KEY=${apiKey}`);
  say(`  ${stack.origin}/openapi.json   every route, with examples`);
  say(`  ${stack.origin}/auth/sign-in   sign in, and add a passkey; the mail is at ${stack.simulators.origin}/mailbox`);
  await stack.makeOperator(operator);
  say(`  ${operator}   signs in there as an operator of the platform (docs/operating.md#operators)`);
  const { DATABASE_URL: url = "", NEON_LOCAL_ENDPOINT: address = "" } = stack.secrets;
  say(`  ${exportCommand(url, address)}`);
  say("      the platform's own chain, which has the sign-ins (docs/audit.md#the-platforms-own-chain)");
  say(`  curl -H 'authorization: Bearer ${api.key}' ${stack.origin}/v1/account`);
  say(`  curl -H 'authorization: Bearer ${api.key}' '${stack.origin}/v1/attempts?limit=5'`);
}

/** The platform's cron, which `wrangler dev` does not run. */
const tickMilliseconds = 60_000;

async function untilInterrupted(stack: Stack): Promise<void> {
  say(dim("\n  Serving. Ctrl-C ends it."));
  const cron = setInterval(() => void stack.tick().catch(() => undefined), tickMilliseconds);
  await new Promise<void>((resolve) => {
    for (const signal of signals) process.once(signal, () => resolve());
  });
  clearInterval(cron);
}

await main().catch((error: unknown) => {
  console.error(red(`\nThe demo stopped: ${error instanceof Error ? error.message : String(error)}`));
  process.exitCode = 1;
});
