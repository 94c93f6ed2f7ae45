import { type IdKind, idPrefixes, uuidOf } from "./ids.ts";

interface AuditActor {
  readonly says: string;
  /** Of which kind its id is; null: a name, one of `jobNames`. */
  readonly id: IdKind | null;
}

/** Who acts: `actor.type` of an entry's facts, and what `actor.id` is beside it. */
export const auditActors = {
  api_key: { says: "An API key.", id: "apiKey" },
  job: { says: "The service itself, at work that nobody waits for.", id: null },
  operator: { says: "An operator of the platform, under the support grant that `grant` names.", id: "user" },
  token: { says: "A token of this token issuer; `subject` is whom it is for, or a keyed hash of that.", id: "tokenIssuer" },
  user: { says: "A person in their session.", id: "user" },
  visitor: {
    says: "Somebody who is not known, or not yet: who signs in, or reports a leaked key. There is nothing to name but their request.",
    id: "request",
  },
  webhook: { says: "A provider, by the connection at which its report came in.", id: "connection" },
} as const satisfies Readonly<Record<string, AuditActor>>;
export type ActorType = keyof typeof auditActors;

/** What a job's `actor.id` is. `seed` makes the organisations of a local database. */
export const jobNames = [
  "dial",
  "import",
  "inbox",
  "outbox",
  "permits",
  "reconcile",
  "scrub",
  "seed",
  "standing",
  "test_clock",
  "token_keys",
] as const;
export type JobName = (typeof jobNames)[number];

/** By what an entry's actor can be asked for: their ids, and a support grant's, which stands beside an operator's. */
export const askableActors: readonly IdKind[] = [
  ...new Set([...Object.values(auditActors).flatMap(({ id }) => id ?? []), "supportGrant" as const]),
];
export const canAct = (id: string): boolean =>
  jobNames.some((name) => name === id) || askableActors.some((kind) => uuidOf(kind, id) !== null);

/** "`key_…`": what an actor's id looks like. */
export const idOfActor = (type: ActorType): string => {
  const { id }: AuditActor = auditActors[type];
  return id === null ? jobNames.map((name) => `\`${name}\``).join(", ") : `\`${idPrefixes[id]}_…\``;
};
