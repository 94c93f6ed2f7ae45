import { describe, expect, test } from "vitest";
import { findStop } from "../../src/domain/calls/find-stop.ts";
import type { TranscriptTurn } from "../../src/providers/voice/contract.ts";

const turn = (role: TranscriptTurn["role"], text: string): TranscriptTurn => ({ role, text, startSeconds: 0 });
const said = (...texts: readonly string[]) => findStop(texts.map((text) => turn("person", text)));

const stops = `
Please stop.
Stop, please.
I said stop!
no, stop
Stop now
Stop right now
hey stop
Can you stop?
I want you to stop
Stop. Stop calling
Stop it
Stop. By what right do you call me?
STOP
stop by the way who are you
I already told you people, stop
I want this stopped
I don't want any more calls
I don't want you to call me again
I don’t want you to call me again
I don‘t want any calls
i dont want to be called anymore
i don t want these calls
I do not want to receive calls
I don't wish to receive these calls
We don't need any more of your calls
I would not like to be contacted
I never want to hear from you again
Never want to hear from you again
I never agreed to be called
I didn't ask for these calls
I didn't agree to this, stop
I do not consent to these calls
I never gave you permission
I'm not interested in your calls
Please don't call.
Don't call me
Do not call
don't you ever call me again
Don't you ever call me again
do not ever call me
Don't you dare call this number
Never call me again
Don't ring me no more
don't be calling here
Don't keep calling me
I told you not to call
I asked you not to contact me
You shouldn't be calling me
You can't call me anymore
Would you quit calling
quit calling
Quit.
Quit bothering me
Cease and desist
cease and desist
Knock it off
You people keep calling, knock it off
You keep calling me
I'm sick of your calls
I'm tired of you people calling
Too many calls from you
No more.
No more calls
no more of these calls
Enough!
I'd rather you didn't call
please refrain from calling
end these calls
cancel my calls
please remove this phone number
Remove me
Remove my number
delete my number
take me off
Take me off your list
please take my name off
take us off of that list
get me off this list
Get my number off your list
Put me on your do not call list
I'm on the do not call registry
I'm on the DNC
i am on the d n c list
we're on the no call list
lose my number
Lose this number
forget my number
unsubscribe
Opt out
opt me out please
I revoke my consent
I withdraw my permission
leave me alone
Leave me the hell alone
just let me be
Go away
This is harassment
I'll report you to the FCC
I will sue you
You have no right to call me
wrong number
No me llame
No me llame más
no me llamen
No llame más por favor
no nos llamen
no vuelva a llamar
No quiero que me llamen
no quiero más llamadas
no quiero recibir llamadas
ya no me llamen
nunca me vuelvan a llamar
alto
¡Alto!
basta
Pare
deje de llamar
Deje de llamarme
dejen de molestar
déjeme en paz
quíteme de su lista
Bórreme de la lista
elimine mi número
no más llamadas
número equivocado
`;

const refusals = `
not today
Not today, thanks.
call me later
Call me back tomorrow
not today call me later
I don't have time call me later
i cant talk right now call me later
Not interested
I'm not interested, thank you
No thanks
No, thank you. Goodbye.
I don't want it
I don't need solar
we do not need any
I'm busy right now
I'm driving, can you call back in an hour?
why not call me tomorrow
I don't know, let me think about it
Don't worry about it
Don't hesitate to call
I don't want to call you back, just send the papers
Sure, stop by the office tomorrow
you can stop by my house
I live at the last bus stop
We want a one stop shop
I can't stop laughing
Maybe next week
It's too expensive
I already have someone for that
No I don't own the house
I quit smoking last year
Sure, I have a minute.
Yes, I am. Send me the details.
Thanks, bye.
You have reached Ann, leave a message
Please leave a message after the tone.
What list of products do you have?
llámeme más tarde
no puedo hablar llámeme mañana
no me interesa
no estoy interesado, gracias
hoy no
no me llamo Juan
no sé cómo se llama
el precio es muy alto
I live in Palo Alto
I'm quite happy with it
`;

const lines = (text: string) => text.trim().split("\n");

describe("what may ask for calls to end", () => {
  test.each(lines(stops))("%s", (text) => expect(said(text)).toBe("transcript"));

  test.each(lines(stops))("as speech recognition writes it, without a mark: %s", (text) => {
    expect(said(text.toLowerCase().replace(/[^\p{L}\p{N}'’‘ ]/gu, ""))).toBe("transcript");
  });

  test("across two turns of the same breath, and not across the agent's", () => {
    expect(said("Listen, do not", "call me again.")).toBe("transcript");
    expect(findStop([turn("person", "No, I do not"), turn("agent", "Very well."), turn("person", "Call me on Monday.")])).toBe(
      null,
    );
  });

  test("any pressed key: the opening offers one as the way out", () => {
    for (const key of ["1", "9", "*", "#", "?"]) expect(said(`[key ${key}]`)).toBe("key_press");
  });
});

describe("what asks for no such thing", () => {
  test.each(lines(refusals))("%s", (text) => expect(said(text)).toBe(null));

  test("the agent's own words and the tools'", () => {
    const opening = "This is an automated voice. Say stop or press nine to end these calls.";
    expect(findStop([turn("agent", opening), turn("tool", "stop calling"), turn("person", "Who is this?")])).toBe(null);
  });
});
