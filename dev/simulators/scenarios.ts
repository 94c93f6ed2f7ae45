/**
 * What happens to a simulated call. The last four digits of the number choose it (docs/simulators.md); any other number gets
 * one by a stable hash of the number and of how often it was called, so that a day of thousands of calls shows the whole mix
 * and every run shows the same one.
 */
type Outcome = "human" | "voicemail" | "no_answer" | "busy" | "invalid" | "declined" | "no_capacity";
type Create =
  | "accept"
  | "rate_limited"
  | "drop_after"
  | "drop_before"
  | "hang"
  | "error_after"
  | "unreadable"
  | "without_id"
  | "redirect";

export interface Scenario {
  readonly name: string;
  readonly outcome: Outcome;
  /** How the person's wish for calls to end shows: the agent's tool, or nothing but words. */
  readonly stop: "none" | "tool" | "words";
  readonly webhooks: "normal" | "lost" | "shuffled";
  readonly create: Create;
  /** How long the vendor's own queue holds the call before it rings; null = until the next beat, five seconds at most. */
  readonly queueSeconds: number | null;
}

const plain = { outcome: "human", stop: "none", webhooks: "normal", create: "accept", queueSeconds: null } as const;
const scenario = (name: string, differs: Partial<Scenario> = {}): Scenario => ({ ...plain, ...differs, name });

export const bySuffix: Readonly<Record<string, Scenario>> = {
  "0001": scenario("human"),
  "0002": scenario("voicemail", { outcome: "voicemail" }),
  "0003": scenario("no_answer", { outcome: "no_answer" }),
  "0004": scenario("busy", { outcome: "busy" }),
  "0005": scenario("invalid_destination", { outcome: "invalid" }),
  "0006": scenario("stop_tool", { stop: "tool" }),
  "0007": scenario("webhooks_lost", { webhooks: "lost" }),
  "0008": scenario("rate_limited", { create: "rate_limited" }),
  "0009": scenario("accepted_then_dropped", { create: "drop_after" }),
  "0010": scenario("webhooks_shuffled", { webhooks: "shuffled" }),
  "0011": scenario("no_capacity", { outcome: "no_capacity" }),
  "0012": scenario("stop_in_words_only", { stop: "words" }),
  "0013": scenario("dropped_before", { create: "drop_before" }),
  "0014": scenario("create_hangs", { create: "hang" }),
  "0015": scenario("error_after_accepting", { create: "error_after" }),
  "0016": scenario("answer_unreadable", { create: "unreadable" }),
  "0017": scenario("answer_without_id", { create: "without_id" }),
  "0018": scenario("redirected", { create: "redirect" }),
  "0019": scenario("declined", { outcome: "declined" }),
  "0020": scenario("rings_late", { queueSeconds: 900 }),
};

/** Shares in 1,000 of the calls to any other number. */
const mix: readonly (readonly [number, Scenario])[] = [
  [340, scenario("human")],
  [310, scenario("no_answer", { outcome: "no_answer" })],
  [190, scenario("voicemail", { outcome: "voicemail" })],
  [60, scenario("busy", { outcome: "busy" })],
  [30, scenario("stop_tool", { stop: "tool" })],
  [15, scenario("stop_in_words_only", { stop: "words" })],
  [20, scenario("webhooks_lost", { webhooks: "lost" })],
  [10, scenario("accepted_then_dropped", { create: "drop_after" })],
  [15, scenario("webhooks_shuffled", { webhooks: "shuffled" })],
  [10, scenario("rate_limited", { create: "rate_limited" })],
];

export function scenarioFor(toNumber: string, earlierCalls: number): Scenario {
  const fixed = bySuffix[toNumber.slice(-4)];
  if (fixed !== undefined) return fixed;
  let left = stableHash(`${toNumber}#${earlierCalls}`) % 1000;
  for (const [share, chosen] of mix) {
    if (left < share) return chosen;
    left -= share;
  }
  return plain as Scenario;
}

/** FNV-1a, finished so that near-by numbers spread. */
export function stableHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return (hash ^ (hash >>> 15)) >>> 0;
}

export interface Turn {
  readonly role: "agent" | "person" | "tool";
  readonly text: string;
  readonly at: number;
}

const opening =
  "Hello, this is an automated A I voice calling on behalf of Acme Solar LLC about solar panels. Say stop or press nine at any time to end these calls. This call is recorded and transcribed.";

/** A made-up conversation. Whatever the campaign says first stands in the variable `opening`; else a plain disclosure. */
export function conversationOf(call: {
  readonly scenario: Scenario;
  readonly variables: Readonly<Record<string, string>>;
}): Turn[] {
  const first: Turn = { role: "agent", text: call.variables["opening"] ?? opening, at: 1 };
  if (call.scenario.outcome === "voicemail")
    return [{ role: "person", text: "Please leave a message after the tone.", at: 0 }, first];
  if (call.scenario.stop === "tool") {
    return [first, { role: "person", text: "Stop calling me, please.", at: 14 }, { role: "tool", text: "do_not_call", at: 17 }];
  }
  if (call.scenario.stop === "words") {
    return [
      first,
      { role: "person", text: "I already told you people. Take me off your list and never call this number again.", at: 14 },
      { role: "agent", text: "I understand. Goodbye.", at: 20 },
    ];
  }
  return [
    first,
    { role: "person", text: "Sure, I have a minute.", at: 14 },
    { role: "agent", text: "Are you the owner of the house?", at: 18 },
    { role: "person", text: "Yes, I am. Send me the details.", at: 22 },
    { role: "agent", text: "Thank you, someone will be in touch. Goodbye.", at: 26 },
  ];
}
