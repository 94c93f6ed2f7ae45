import type { Instant } from "../../lib/instant.ts";
import { type Role, rolesFrom } from "../access/operations.ts";
import { addressed, type Named, named, quoted } from "./others-words.ts";

/** What each kind of mail is told. Names and words of people are as they wrote them: they are made harmless here. */
export interface MailParams {
  readonly sign_in_link: { readonly url: string; readonly minutes: number };
  readonly invitation: {
    readonly orgName: string;
    readonly inviter: Named | null;
    readonly role: Role;
    readonly url: string;
    readonly days: number;
  };
  readonly new_device: { readonly when: Instant; readonly device: string; readonly country: string | null };
  readonly session_elsewhere: { readonly when: Instant; readonly device: string; readonly country: string };
  readonly sign_in_added: { readonly when: Instant; readonly provider: "Google" | "Microsoft"; readonly identityId: string };
  /** `ended`: how many sessions ended with it. */
  readonly sign_in_removed: { readonly when: Instant; readonly provider: "Google" | "Microsoft"; readonly ended: number };
  readonly key_alert: {
    readonly orgName: string;
    readonly key: { readonly kind: "api_key" | "token_issuer"; readonly name: string; readonly id: string };
    readonly what: "new_network" | "unusual_rate";
    /** From where, to the /24 or /48. */
    readonly networks: readonly string[];
  };
  /** `came`: what was made with it, and is revoked with it. */
  readonly key_leaked: {
    readonly orgName: string;
    readonly keyName: string;
    readonly keyId: string;
    readonly came: readonly { readonly kind: "api_key" | "token_issuer"; readonly name: string; readonly id: string }[];
  };
  readonly role_changed: Standing & {
    /** Null: they did it themselves. */
    readonly by: Named | null;
    readonly to: Role;
    /** Addresses of the owners, but for their own: whom they can ask. */
    readonly owners: readonly string[];
  };
  readonly removed_from_org: Standing & { readonly by: Named; readonly ended: number; readonly owners: readonly string[] };
  readonly left_org: Standing & { readonly ended: number; readonly owners: readonly string[] };
  /** To the owners. `who`: their address. */
  readonly member_left: Standing & { readonly who: string; readonly userId: string; readonly ended: number };
  readonly too_many_failures: { readonly when: Instant };
  readonly factor_changed: {
    readonly when: Instant;
    readonly what: FactorChange;
    readonly codesLeft?: number;
    /** How many other sessions wait for it, or for one that is left, now. */
    readonly closed?: number;
  };
  readonly support_opened: {
    readonly orgName: string;
    readonly orgId: string;
    readonly grantId: string;
    /** Who enters. */
    readonly operator: Named;
    readonly role: Role;
    readonly reason: string;
    readonly until: Instant;
  };
}
/** What somebody was in an organisation when it was changed. Where it ended, `ended` keys and token issuers ended with it. */
interface Standing {
  readonly orgName: string;
  readonly when: Instant;
  readonly former: Role;
}
/** What became of a second factor. */
export type FactorChange =
  | "passkey_added"
  | "passkey_removed"
  | "passkey_copied"
  | "totp_added"
  | "totp_removed"
  | "recovery_codes_made"
  | "recovery_code_used";
export type MailKind = keyof MailParams;
/** A kind with its own params. */
export type MailContent = { readonly [K in MailKind]: { readonly kind: K; readonly params: MailParams[K] } }[MailKind];

export interface Draft {
  readonly subject: string;
  readonly paragraphs: readonly string[];
  readonly link?: Link;
  /** Pages of ours, for whoever has signed in; nothing in their addresses lets anyone in. */
  readonly pages?: readonly Page[];
}
export interface Link {
  readonly words: string;
  readonly url: string;
}
interface Page {
  readonly words: string;
  readonly path: `/auth/${string}`;
}

export const product = "Dialgate";
const accountPage: Page = { words: "Your sessions and linked accounts", path: "/auth/account" };
const factorsPage: Page = { words: "Your passkeys and second factors", path: "/auth/factors" };

export function draftOf(content: MailContent): Draft {
  switch (content.kind) {
    case "sign_in_link": {
      const { url, minutes } = content.params;
      const limits = `The link works once, within ${counted(minutes, "minute")}. Open it in the browser that asked for it.`;
      return {
        subject: `Sign in to ${product}`,
        paragraphs: [
          "Someone asked to sign in with this address.",
          limits,
          "If that was not you, ignore this mail: nobody gets in.",
        ],
        link: { words: "Sign in", url },
      };
    }
    case "invitation": {
      const { orgName, inviter, role, url, days } = content.params;
      const by = inviter === null ? null : inviter.name === null ? addressed(inviter.email) : quoted(inviter.name);
      const who = by === null ? "You are invited" : `${by} invites you`;
      return {
        subject: `Invitation to ${quoted(orgName)} on ${product}`,
        paragraphs: [
          `${who} to join the organisation ${quoted(orgName)} on ${product} as ${role}.`,
          `The invitation is for this address and ends in ${counted(days, "day")}. If you did not expect it, ignore this mail.`,
        ],
        link: { words: "See the invitation", url },
      };
    }
    case "new_device": {
      const { when, device, country } = content.params;
      const where = country === null ? "" : `, from ${quoted(country)}`;
      return {
        subject: `New sign-in to ${product}`,
        paragraphs: [
          `Your account was signed in to at ${timeOf(when)} on a device that it had not been used on: ${quoted(device)}${where}.`,
          "If that was not you, end that session, or all but the one that you are in, on the page below (or by DELETE /v1/sessions), and see that nobody else reads your mail.",
        ],
        pages: [accountPage],
      };
    }
    case "session_elsewhere": {
      const { when, device, country } = content.params;
      return {
        subject: `Your session at ${product} is used from another country`,
        paragraphs: [
          `Since ${timeOf(when)} a session of yours is used from ${quoted(country)}, and was used from another country before. It was begun on ${quoted(device)}.`,
          "It shows a second factor again before it touches credentials, members or policy. This is told once for each country in each hour of the clock. If that was not you, end that session, or all but the one that you are in, on the page below (or by DELETE /v1/sessions).",
        ],
        pages: [accountPage],
      };
    }
    case "sign_in_added": {
      const { when, provider, identityId } = content.params;
      return {
        subject: `${provider} was added to your sign-in to ${product}`,
        paragraphs: [
          `At ${timeOf(when)} your account was signed in to with a ${provider} account that did not belong to it. From now on that ${provider} account signs in to it.`,
          `If that was not you, remove it on the page below (or by DELETE /v1/me/identities/${identityId}): its sessions end with it. And see that nobody else reads your mail.`,
        ],
        pages: [accountPage],
      };
    }
    case "sign_in_removed": {
      const { when, provider, ended } = content.params;
      return {
        subject: `${provider} was removed from your sign-in to ${product}`,
        paragraphs: [
          `At ${timeOf(when)} a ${provider} account was removed from your account: it signs in to it no more.${ended === 0 ? "" : ` ${counted(ended, "session")} that it had begun ended with it.`}`,
          "It comes back in a browser in which you are signed in. If that was not you, sign in by a mailed link, end your other sessions on the page below (or by DELETE /v1/sessions), and see what second factors you have.",
        ],
        pages: [accountPage, factorsPage],
      };
    }
    case "key_alert": {
      const { orgName, key, what, networks } = content.params;
      const { noun, article, fix } = keyWords[key.kind];
      const from = networks.length === 0 ? "" : listOf(networks);
      const did = {
        new_network: `was used from a network that it had not been used from before${from === "" ? "" : `: ${from}`}`,
        unusual_rate: `is used at more than ten times its usual rate${from === "" ? "" : `, at this moment from ${from}`}`,
      }[what];
      return {
        subject: `${article} ${noun} of ${quoted(orgName)} is used in a new way`,
        paragraphs: [
          `The ${noun} ${quoted(key.name)} (${key.id}) of ${quoted(orgName)} ${did}.`,
          `Nothing was blocked, and this is told once in each hour of the clock: the audit log has each time (GET /v1/audit?type=credential.${what}). If you do not know why, ${fix(key.id)}.`,
        ],
      };
    }
    case "key_leaked": {
      const { orgName, keyName, keyId, came } = content.params;
      const named = came.map(({ kind, name, id }) => `the ${keyWords[kind].noun} ${quoted(name)} (${id})`);
      return {
        subject: `An API key of ${quoted(orgName)} was leaked and is revoked`,
        paragraphs: [
          `The API key ${quoted(keyName)} (${keyId}) of ${quoted(orgName)} was reported as leaked. It is revoked: requests with it are refused.`,
          ...(came.length === 0
            ? []
            : [
                `Whoever found it could make others with it. So what was made with it, or with what came of it, is revoked too: ${listOf(named, cameMax)}.`,
                "That holds for those of them that your own systems made: nobody can tell them apart. What a person made or rotated since goes on.",
              ]),
          `Make another key, and look in the audit log (GET /v1/audit?actor=${keyId}) for what was done with ${came.length === 0 ? "this one: its entries name it as their actor" : "these: their entries name them as their actor"}.`,
        ],
      };
    }
    case "role_changed": {
      const { orgName, when, former, by, to, owners } = content.params;
      const changed = by === null ? "you changed that in a session of yours" : `${named(by)} changed that`;
      const isLower = !rolesFrom(former).includes(to);
      return {
        subject: `Your role in ${quoted(orgName)} has changed`,
        paragraphs: [
          `In the organisation ${quoted(orgName)} you are now ${to}. You were ${former}, until ${changed} at ${timeOf(when)}.`,
          ...(isLower
            ? ["Your sessions, and the API keys and token issuers that you answer for, do no more than that role may."]
            : []),
          by === null ? notYou(owners) : `If you do not know why, ask ${owners.length === 0 ? named(by) : ownersTo(owners)}.`,
        ],
        ...(by === null ? { pages: [accountPage] } : {}),
      };
    }
    case "removed_from_org": {
      const { orgName, when, former, by, ended, owners } = content.params;
      return {
        subject: `You are no longer a member of ${quoted(orgName)}`,
        paragraphs: [
          `At ${timeOf(when)} ${named(by)} removed you from the organisation ${quoted(orgName)}, in which you were ${former}.`,
          `Your sessions open nothing there any more. ${endedWith(ended, "you")}`,
          `If you do not know why, ask ${ownersTo(owners)}.`,
        ],
      };
    }
    case "left_org": {
      const { orgName, when, former, ended, owners } = content.params;
      return {
        subject: `You have left ${quoted(orgName)}`,
        paragraphs: [
          `At ${timeOf(when)} you left the organisation ${quoted(orgName)}, in which you were ${former}, in a session of yours.`,
          `Your sessions open nothing there any more. ${endedWith(ended, "you")}`,
          notYou(owners, " to invite you again"),
        ],
        pages: [accountPage],
      };
    }
    case "member_left": {
      const { orgName, when, who, userId, former, ended } = content.params;
      return {
        subject: `A member has left ${quoted(orgName)}`,
        paragraphs: [
          `At ${timeOf(when)} ${addressed(who)} (${userId}), who was ${former}, left the organisation ${quoted(orgName)}.`,
          `${endedWith(ended, "they")}${ended === 0 ? "" : " The audit log (GET /v1/audit) says which."}`,
        ],
      };
    }
    case "too_many_failures":
      return {
        subject: `Failed attempts to sign in to ${product}`,
        paragraphs: [
          `Until ${timeOf(content.params.when)} there were many failed attempts to sign in to your account, or to show its second factor.`,
          "Your account is not locked. Each of your sessions shows a second factor again before it touches what takes one.",
          "If they were not yours, look at your sessions on the page below (or by GET /v1/sessions) and end those that you do not know (DELETE /v1/sessions ends all but the one that asks). Whoever guesses at a second factor has signed in already, by a mail of yours: then secure your mailbox too.",
        ],
        pages: [accountPage],
      };
    case "factor_changed": {
      const { when, what, codesLeft, closed = 0 } = content.params;
      const { subject, did } = factorWords[what];
      return {
        subject: `${subject} your ${product} account`,
        paragraphs: [
          `At ${timeOf(when)} ${did}.${codesLeft === undefined ? "" : ` ${counted(codesLeft, "code")} of the set ${codesLeft === 1 ? "is" : "are"} left.`}`,
          ...(closed === 0
            ? []
            : [
                `Your other sessions (${closed}) open nothing any more until ${what.endsWith("_removed") ? "a factor that you still have" : "it"} is shown in them.`,
              ]),
          "If that was not you, sign in, end your other sessions (on the first page below, or all at once by DELETE /v1/sessions), and remove what you did not add (on the second).",
        ],
        pages: [accountPage, factorsPage],
      };
    }
    case "support_opened": {
      const { orgName, orgId, grantId, operator, role, reason, until } = content.params;
      return {
        subject: `Support has opened access to ${quoted(orgName)}`,
        paragraphs: [
          `${named(operator)}, an operator of ${product}, can act as ${role} in the organisation ${quoted(orgName)} until ${timeOf(until)}. The reason given: ${quoted(reason, reasonCharactersMax)}.`,
          `Whatever they do there stands in your audit log; GET /v1/support_grants/${grantId} sums it up.`,
          `Owners and admins end it at once, on the page below, or in any session by DELETE /v1/support_grants/${grantId}, with the header Dialgate-Org: ${orgId}.`,
        ],
        pages: [{ ...accountPage, words: "Your account, with the access of support to your organisations" }],
      };
    }
  }
}

const keyWords = {
  api_key: {
    noun: "API key",
    article: "An",
    fix: (id: string) =>
      `rotate the key (POST /v1/api_keys/${id}/rotate) or revoke it (DELETE /v1/api_keys/${id}); if somebody else may have it, revoke it with all that was made with it (POST /v1/api_keys/${id}/leaked)`,
  },
  token_issuer: { noun: "token issuer", article: "A", fix: (id: string) => `revoke it (DELETE /v1/token_issuers/${id})` },
} as const;

const endedWith = (ended: number, who: "you" | "they"): string =>
  ended === 0
    ? "No API key or token issuer ended with that."
    : `${counted(ended, "API key or token issuer", "API keys and token issuers")} that ${who} answered for ended with that.`;
/** Whoever was removed can look them up no more. */
const ownersTo = (owners: readonly string[]): string =>
  `an owner of the organisation${owners.length === 0 ? "" : ` (${listOf(owners.map(addressed))})`}`;
const notYou = (owners: readonly string[], asked = ""): string =>
  `If that was not you, sign in, end your other sessions on the page below (or by DELETE /v1/sessions), and ask ${ownersTo(owners)}${asked}.`;

const listedMax = 5;
const cameMax = 50;
const listOf = (words: readonly string[], max = listedMax): string =>
  `${words.slice(0, max).join(", ")}${words.length > max ? ` and ${words.length - max} more` : ""}`;

const factorWords: Readonly<Record<FactorChange, { readonly subject: string; readonly did: string }>> = {
  passkey_added: { subject: "A passkey was added to", did: "a passkey was added to your account" },
  passkey_removed: { subject: "A passkey was removed from", did: "a passkey was removed from your account" },
  passkey_copied: {
    subject: "A passkey was refused at",
    did: "a passkey of your account was refused: it was used elsewhere since, as a copy of it would be. Remove that passkey",
  },
  totp_added: { subject: "An authenticator was added to", did: "an authenticator app was added to your account" },
  totp_removed: { subject: "The authenticator was removed from", did: "the authenticator app was removed from your account" },
  recovery_codes_made: {
    subject: "New recovery codes for",
    did: "a new set of recovery codes was made for your account; those of before no longer work",
  },
  recovery_code_used: {
    subject: "A recovery code was used at",
    did: "a recovery code of your account was used in the place of a second factor",
  },
};

const reasonCharactersMax = 300;
const counted = (count: number, unit: string, units = `${unit}s`): string => `${count} ${count === 1 ? unit : units}`;
/** "2026-11-20 09:00 UTC" */
const timeOf = (at: Instant): string => `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
