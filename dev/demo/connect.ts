/** Chapter 1: a seller, the voice vendors and the do-not-call source. */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { dim, green, heading, red, say } from "./print.ts";
import { type Demo, data, importedAt } from "./story.ts";

export interface SetUp {
  readonly seller: string;
  readonly retell: string;
  readonly elevenlabs: string;
}

export async function connect({ stack, api, org }: Demo): Promise<SetUp> {
  heading("1  A seller and its providers");
  const map = JSON.parse(await readFile(join(data, "leads.map.json"), "utf8"));
  const seller = await api.post("/v1/sellers", map.seller);
  const secret = (): string => randomBytes(24).toString("hex");
  const [retellKey, elevenKey, elevenHook, elevenTool, dncToken, dncSecret] = [
    secret(),
    secret(),
    secret(),
    secret(),
    secret(),
    secret(),
  ] as [string, string, string, string, string, string];
  await api.patch("/v1/policy", { max_concurrency: 1_000 });
  const retell = await api.post("/v1/connections", {
    vendor: "retell",
    name: "Retell",
    config: { agent_id: "agent_callback", from_number: "+12085550100" },
    credential: { api_key: retellKey },
    max_concurrency: 50,
    // Slow on purpose: permits wait for their turn, so that a stop can come between the decision and the dial.
    calls_per_second: 8,
  });
  const elevenlabs = await api.post("/v1/connections", {
    vendor: "elevenlabs",
    name: "ElevenLabs",
    config: { agent_id: "agent_solar", agent_phone_number_id: "phnum_1", from_number: "+12085550101" },
    credential: { api_key: elevenKey, webhook_secret: elevenHook, tool_secret: elevenTool },
    max_concurrency: 1_000,
    calls_per_second: 200,
  });
  const states = ["CO", "FL", "IN", "LA", "MA", "MO", "MS", "OK", "PA", "TN", "TX", "WY"];
  await api.post("/v1/connections", {
    vendor: "http_dnc",
    name: "Do-not-call source",
    config: { lists: ["national", "litigator", "wireless", ...states.map((state) => `state:${state}`)] },
    credential: { token: dncToken, signing_secret: dncSecret },
  });
  const shared = { account: org, now: importedAt, concurrency_limit: 1_000 };
  stack.simulators.register({
    ...shared,
    vendor: "retell",
    api_key: retellKey,
    webhook_secret: retellKey,
    webhook_url: retell.webhook_url,
    tool_url: retell.stop_tool_url,
  });
  stack.simulators.register({
    ...shared,
    vendor: "elevenlabs",
    api_key: elevenKey,
    webhook_secret: elevenHook,
    webhook_url: elevenlabs.webhook_url,
    tool_url: elevenlabs.stop_tool_url,
    tool_secret: elevenTool,
  });
  stack.simulators.register({ ...shared, vendor: "http_dnc", api_key: dncToken, webhook_secret: dncSecret });
  for (const connection of (await api.get("/v1/connections")).data) {
    const test = await api.post(`/v1/connections/${connection.id}/test`, {});
    say(
      `  ${connection.name.padEnd(22)} ${test.passed ? green("reachable") : red("failed")}  ${dim("its credential is sealed and is never shown again")}`,
    );
  }
  return { seller: seller.id, retell: retell.id, elevenlabs: elevenlabs.id };
}
