import { randomBytes } from "node:crypto";
import { conversationOf, scenarioFor, stableHash } from "./scenarios.ts";
import type { Scenario, Turn } from "./scenarios.ts";

export type VoiceVendor = "retell" | "elevenlabs";

/** What a customer has set up at one vendor. */
export interface VendorSetup {
  readonly vendor: VoiceVendor | "http_dnc";
  readonly apiKey: string;
  readonly webhookUrl: string | null;
  readonly webhookSecret: string | null;
  readonly toolUrl: string | null;
  readonly toolSecret: string | null;
  readonly toolSecretHeader: string;
  /** ElevenLabs: deliver a webhook again after a failure. Retell always does. */
  readonly retryEnabled: boolean;
  readonly concurrencyLimit: number;
  /** Null = the account owns every number that it is asked to call from. */
  readonly fromNumbers: readonly string[] | null;
  readonly storesTranscripts: boolean;
  /** Retell: whether its list shows calls that are not yet ongoing. */
  readonly listsRegistered: boolean;
  readonly dncMode: string;
  /** Numbers that the do-not-call source lists beside its files. */
  readonly dncListed: ReadonlySet<string>;
}

export interface SimulatedCall {
  readonly id: string;
  readonly sid: string;
  readonly vendor: VoiceVendor;
  readonly setup: VendorSetup;
  readonly agentId: string;
  readonly phoneNumberId: string | null;
  readonly from: string;
  readonly to: string;
  readonly attemptId: string | null;
  readonly variables: Readonly<Record<string, string>>;
  readonly metadata: unknown;
  readonly recorded: boolean;
  readonly scenario: Scenario;
  readonly createdAt: number;
  readonly ringSeconds: number;
  status: "registered" | "ongoing" | "ended" | "not_connected";
  rangAt: number | null;
  answeredAt: number | null;
  endedAt: number | null;
  reason: string | null;
  turns: Turn[];
  toolAnswered: boolean;
  analyzed: boolean;
}
export type Step = "ring" | "answer" | "tool" | "end" | "analyze";
/** Called as each step of a call happens; delivers what the vendor would send, and returns when it was answered. */
export type OnStep = (account: Account, call: SimulatedCall, step: Step) => Promise<void>;

interface Due {
  /** Steps of one call keep their order. */
  readonly call: string;
  readonly at: number;
  readonly order: number;
  readonly run: () => Promise<void>;
}
const maxEventsPerAdvance = 1_000_000;

/** Every instant at which something happens is a stop of the org's clock: calls ring, answer and end on beats, so that they share them. */
const beatSeconds = 5;
const onBeat = (at: number): number => Math.ceil(at / beatSeconds) * beatSeconds;

/** One customer (a test org) with every vendor it uses: one clock, one queue of what is yet to happen, in order. */
export class Account {
  readonly id: string;
  readonly calls = new Map<string, SimulatedCall>();
  readonly #calledBefore = new Map<string, number>();
  readonly #onStep: OnStep;
  #due: Due[] = [];
  #order = 0;
  #now: number;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(id: string, now: number, onStep: OnStep) {
    this.id = id;
    this.#now = now;
    this.#onStep = onStep;
  }

  get now(): number {
    return this.#now;
  }

  nextEventAt(): number | null {
    return this.#due[0]?.at ?? null;
  }

  /** Happens when the clock gets there, after everything that was due at the same second before it. */
  schedule(at: number, run: () => Promise<void>, call = ""): void {
    const due: Due = { at: Math.max(at, this.#now), order: (this.#order += 1), run, call };
    let low = 0;
    let high = this.#due.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const there = this.#due[middle] as Due;
      if (there.at < due.at || (there.at === due.at && there.order < due.order)) low = middle + 1;
      else high = middle;
    }
    this.#due.splice(low, 0, due);
  }

  /** Fires what is due: one call's steps in order, the calls of one second side by side, as at a vendor. Advances take turns. @throws RangeError when `to` lies behind the clock. */
  advance(to: number): Promise<number> {
    const mine = this.#turn.then(() => this.#advance(to));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #advance(to: number): Promise<number> {
    if (to < this.#now) throw new RangeError("the clock only moves forward");
    let fired = 0;
    while (fired < maxEventsPerAdvance) {
      const at = this.#due[0]?.at;
      if (at === undefined || at > to) break;
      this.#now = at;
      const later = this.#due.findIndex((due) => due.at > at);
      const together = this.#due.splice(0, Math.min(later === -1 ? this.#due.length : later, maxEventsPerAdvance - fired));
      fired += together.length;
      await sideBySide([...Map.groupBy(together, (due) => due.call).values()]);
    }
    this.#now = to;
    return fired;
  }

  live(vendor: VoiceVendor): number {
    let count = 0;
    for (const call of this.calls.values()) {
      if (call.vendor === vendor && (call.status === "registered" || call.status === "ongoing")) count += 1;
    }
    return count;
  }

  /** The scenario of the next call to this number; asking counts as calling. */
  nextScenario(to: string): Scenario {
    const earlier = this.#calledBefore.get(to) ?? 0;
    this.#calledBefore.set(to, earlier + 1);
    return scenarioFor(to, earlier);
  }

  /** The call exists from here on, whatever the one who asked for it gets to hear. */
  begin(
    asked: Omit<
      SimulatedCall,
      | "id"
      | "sid"
      | "createdAt"
      | "status"
      | "rangAt"
      | "answeredAt"
      | "endedAt"
      | "reason"
      | "turns"
      | "toolAnswered"
      | "analyzed"
    >,
  ): SimulatedCall {
    const call: SimulatedCall = {
      ...asked,
      id: `${asked.vendor === "retell" ? "call" : "conv"}_${randomBytes(14).toString("hex")}`,
      sid: `CA${randomBytes(16).toString("hex")}`,
      createdAt: this.#now,
      status: "registered",
      rangAt: null,
      answeredAt: null,
      endedAt: null,
      reason: null,
      turns: [],
      toolAnswered: false,
      analyzed: false,
    };
    this.calls.set(call.id, call);
    this.#plan(call);
    return call;
  }

  #plan(call: SimulatedCall): void {
    const { scenario } = call;
    const chance = stableHash(`${call.to}@${call.createdAt}`);
    const rings = scenario.queueSeconds === null ? onBeat(call.createdAt + 1) : call.createdAt + scenario.queueSeconds;
    if (scenario.outcome === "no_capacity")
      return this.#at(call, call.createdAt + 1, () => this.end(call, "concurrency_limit_reached"));
    if (scenario.outcome === "invalid") return this.#at(call, call.createdAt + 1, () => this.end(call, "invalid_destination"));
    this.#at(call, rings, async () => {
      call.rangAt = this.#now;
      await this.#onStep(this, call, "ring");
      this.#planFromRing(call, chance);
    });
  }

  #planFromRing(call: SimulatedCall, chance: number): void {
    const { outcome, stop } = call.scenario;
    const rang = this.#now;
    if (outcome === "no_answer") return this.#at(call, rang + call.ringSeconds, () => this.end(call, "dial_no_answer"));
    if (outcome === "busy") return this.#at(call, onBeat(rang + 2), () => this.end(call, "dial_busy"));
    if (outcome === "declined") return this.#at(call, onBeat(rang + 4), () => this.end(call, "user_declined"));
    const answers = onBeat(rang + 4 + (chance % 10));
    const conversation = conversationOf(call);
    this.#at(call, answers, async () => {
      call.status = "ongoing";
      call.answeredAt = this.#now;
      call.turns = conversation.slice(0, 1);
      await this.#onStep(this, call, "answer");
    });
    if (outcome === "voicemail") return this.#at(call, answers + 10, () => this.end(call, "voicemail_reached", conversation));
    if (stop === "tool") {
      this.#at(call, answers + 20, async () => {
        call.turns = conversation;
        await this.#onStep(this, call, "tool");
      });
      return this.#at(call, answers + 25, () => this.end(call, "agent_hangup", conversation));
    }
    const reason = stop === "words" || chance % 3 === 0 ? "user_hangup" : "agent_hangup";
    return this.#at(call, onBeat(answers + 30 + (chance % 60)), () => this.end(call, reason, conversation));
  }

  /** A step that is skipped when the call was stopped meanwhile. */
  #at(call: SimulatedCall, at: number, run: () => Promise<void>): void {
    this.schedule(
      at,
      async () => {
        if (call.status === "registered" || call.status === "ongoing") await run();
      },
      call.id,
    );
  }

  async end(call: SimulatedCall, reason: string, turns: Turn[] = call.turns): Promise<void> {
    call.status = call.answeredAt === null ? "not_connected" : "ended";
    call.endedAt = this.#now;
    call.reason = reason;
    call.turns = turns;
    this.schedule(this.#now + 5, async () => {
      call.analyzed = true;
      await this.#onStep(this, call, "analyze");
    });
    await this.#onStep(this, call, "end");
  }
}

/** A vendor delivers from several machines at once. */
const atOnce = 6;

async function sideBySide(groups: Due[][]): Promise<void> {
  const machine = async (): Promise<void> => {
    for (let group = groups.shift(); group !== undefined; group = groups.shift()) for (const due of group) await due.run();
  };
  await Promise.all(Array.from({ length: atOnce }, machine));
}
