/** What people say on the phone: stops, what is none, and what is taken for one. A line each. */

export const stops = `
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
Please don't call
don't ever contact me
never call again
I'm on the do not call list
take my number off
I don't want these calls
you shouldn't be calling me
Why do you keep calling
quit bugging me
no more calls please
please delete my number
delete all my information
don't phone me
dont text or call me
You've got the wrong guy
There's no John here
this isn't John, you have the wrong house
nobody by that name here
that person doesn't live here
He passed away
this is a cell phone on the do-not-call registry
I'm asking you to end these calls
end this
can you not call me
could you please not call this number
I'd appreciate it if you didn't call
I would appreciate if you would not call here
please no calls
no calls
I do not accept calls like this
we don't take solicitation calls
we don't accept solicitors
no solicitation
no soliciting please
I don't take unsolicited calls
How did you get my number? I never gave it
who gave you my number
stop.
s t o p
stahp
remove
remove number
remove me
off the list please
opt out
I want to opt-out
I'm revoking my consent
I revoke consent
I withdraw consent
you don't have my consent
I didn't sign up for this
this call is illegal
I'm reporting you
knock it off
buzz off
lose this number
lose the number
block this number
put me on your do not call list
put me on the no-call list
no me llames
no llamen mas
quiteme de la lista
deje de llamarme
no me molesten
I hate robocalls
don't call me back
don't bother calling back
please don't bother me
you guys need to quit
I'm done with you people calling
I've asked you guys before to take us off
don't you call here no more
this number is not for sales calls
nothing further, and do not reach out again
don't reach out to me again
please don't reach out
do not try to reach me
no longer wish to be contacted
please make it so I don't get called
Scratch me off
I want off
get me off this
please exclude me
I request no further contact
no further contact
do not use my number
don't use this number
never ring me
can you take this number out of your system
take me out of your system
clear me from your database
hang up now
I do not give permission to be called
cancel
I'd like the calls to end
I'd like this to stop happening
I said no, don't do this again
please don't do this again
don't do that again
we're not interested, don't try us again
not interested, please do not try again
I never want to hear from you people
never want to speak to you again
do not disturb
my number is private
my number's on the registry
I'm on the national registry
You are violating the law calling me
this is harassment
I'll sue
delete all my info
erase my data please
get my number out of your database
take this number out of your computer
I want my number removed
my information should be deleted
never phone this number
do not attempt to contact me
please don't bug me
quit texting me
I don't want to speak to you people ever again
this is not his number anymore
he doesn't live here anymore
she no longer works here
Wrong house
you're calling the wrong person
John died last year
my husband is dead
I just got this number
you need to quit
would you please end the calls
make the calls end
I want the calls to stop
please have these calls ended
I don't accept solicitations
we do not take sales calls
no cold calls
no robocalls
no marketing calls please
I refuse these calls
I'd be happier if you never called
it would be nice if you didn't phone
stop
don't reach me here
don't follow up with me
do not keep my data
you may not use my number
I didn't give you my number
I didn't opt in
don't do it again
never again
I won't speak to you anymore
I don't wish to be bothered
I'm not interested, don't call
not interested so don't call me later either
I'm not interested and I don't want you calling
I'd rather not be called
please lose this number
take us off
Don't you have my number on the do not call?
no me escriban más
borre toda mi información
saque este número de su sistema
no usen mi número
aquí no vive Juan
ya no vive aquí
se equivocó de número
él falleció
estoy en el registro nacional
retiro mi consentimiento
no les doy permiso
no quiero hablar nunca más con ustedes
cancelen las llamadas
no hay ningún Juan aquí
I never agreed you could contact me
I never said you can call me
That doesn't mean you can call me
I don't think you may call this number
`;

export const refusals = `
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
I can't talk right now, call me tomorrow
don't worry
I have no number there
Don't worry, call me any time
I don't have my number here
I don't know my number by heart
I don't use my phone much
I can't call you back
I can't get to the phone right now
I don't take calls at work, call me at six
I'm not interested right now, can you call me next month
Not interested right now. Call me in March.
I don't want it today, call me later
We don't need any solar here
There's no pool here
There's no problem here
There is no garage here
Something is wrong with my roof
I got the wrong bill
you've got the wrong idea about my roof
It's the end of the month
Call me at the end of the week
I'll end up calling them
Drop me a line
My name is Sue
This is Sue
I talked to Sue
Don't forget my number
Please don't forget to call
Don't hang up
Would you mind calling later?
If you don't mind, call me at six
It would be great if you could call me at noon
I'd like you to call me
I'd prefer you call me in the evening
You can reach me at noon
I won't be home, call my cell
I have not decided
I haven't called anyone
I don't text
I never got your text
I did not get your message
Do you have my number?
What is my number on file?
Who is calling?
Who is this?
Where are you calling from?
Is this a robot?
The house is not mine
I do not own the house
My roof does not leak
I don't live there yet
My account number is four
We moved in last year
Take down my number
You can use this number
Send the information to my address
I need more information
No, contact me on Monday
no problem
No, thank you
no I don't
I am not sure
Not at the moment
I quit my job, call me at home
She is not here right now
He's at work, try again later
Try me again tomorrow
Don't know, try again next week
I'll never get it done
I never do that
I don't do that
Can I talk to someone about the price?
I don't want to talk about it right now
I can't talk to you right now
I don't need to talk to you about it today
How do I get a quote?
We have a gift registry
I'm renting
My wife handles that, call her
I don't text and drive
Sorry I missed your call
It's not a good time
this isn't a good time
There's nobody home but me
That's my old number
Put me on the schedule
Yes that's me
No, I'm the owner
Do you take credit cards?
It's off the highway
I will be out of town
I have a system already
I would never do that again
no me diga
no tengo tiempo, llámeme el lunes
no estoy en casa
no sé
no tengo casa
ahora no, llame mañana
aquí no hay sol
no quiero comprar nada hoy
mi esposo no está aquí
no entiendo
sí, mándeme la información
no lo sé, llámeme mañana
Can I get the old panels removed?
We sat on the front stoop
Yeah, that's my number but call my cell instead
The best number is the one you called
Can you call me back at another number?
I'm not the decision maker, you should call my wife
He's not here, can I take a message?
No, he's not in, try his cell phone
My name is not on the deed
I don't have the information in front of me
Could you send me the information by mail?
Text me the details please
Do not send it to my old address
I need to get some information from my records
Let me get my information from the files
The panels were taken down last year
We had the old system taken out
We're on a tight budget
How did you hear about my house?
Where did you get your information?
Who gave you the address of the shop?
I will not be here on Friday
We never had solar
I've never called you before
I don't like the phone, but go ahead
I don't like talking on the phone
It would be better if you called in the evening
I'd rather you called me tomorrow
I would like you to call back
I prefer a text
Not interested in solar but maybe in windows
I don't need it right now, contact me next year
I'm not sure I want that, could you follow up next week?
I don't want to commit today, follow up with me on Friday
No I'm good, you can follow up later
I refuse to pay that much
I hate my electric bill
I'm done with work at five
I cancelled my subscription to the paper
Cancel my appointment on Monday and make it Tuesday
The contract will end in May
My lease ends in June
When does the program end?
The last call was cut off
Sorry, I was cut off, go ahead
I finished my call, go ahead
Sorry about the wrong turn
What's wrong with the one I have?
You've got that wrong, I own the house
That's the wrong address, I'm at 12 Elm
My father passed it on to me
Nobody called me about it
No one called me back
She works here too
I do not work on Fridays
I work from home, never mind
Don't you worry
I keep calling my utility company
They keep raising my rates
I have a lot of calls today
I got too many things to do
I'm tired today
I don't have any questions
I'm on the phone with my doctor
I was on the other line
Leave me a message
Leave me your number
Let me be honest
Let me be sure
Let me get off the highway
I want out of my contract with the utility
Take care
I have the TV on
Get back to me next week
I'd report to my boss
I won't talk to you until my wife is here
sí, soy yo
no, mi esposa no está
llámeme a otro número
no tengo ese número
mi número es cinco cinco
no puedo, estoy trabajando
el alto costo me preocupa
no quiero nada más por hoy
quite el perro de ahí
I don't think so, but you can call my wife
I can't say, call me tomorrow
I didn't say that, call the office
`;

/** Ordinary answers that are heard as a stop all the same: what tells them apart would also lose stops. One lead each. */
export const falseAlarms = `
Don't bother
I don't want to talk to you
Who gave you my number?
My father died and left me the house
Can I opt out later?
Sounds like a scam
I've had enough calls from the utility company
I get too many calls
I take my coffee out of the kitchen
My lawyer handles that
The FTC says it is fine
Don't do it again until I say so
Don't call me at work, call me at home
Can you stop for a second?
Wait, stop, say that again
I told my kids to stop
My son doesn't live here
It's not my number, it's my wife's
I didn't sign up for solar
There's no need to call me back, I'm coming in
`;

/** Ordinary answers that share their words with stops, and ask for nothing. */
export const everyday = `
Don't call me tomorrow, call me Wednesday
do not call me today, call me tomorrow
please don't call me this week, call me next week
Don't call before nine, call after ten
Don't call me now, please call back later
don't call us Monday or Tuesday but call Wednesday morning
Don't call me tonight. Just try me again tomorrow at ten thirty.
call me Wednesday, don't call me tomorrow
Don't call me right now, I'm driving
do not call before 10 am
don't call after six
No calls before nine, please
Don't text me, call me
Don't call me ma'am
Don't call me Mr. Smith
You never called me back
you guys never called me back
They never called back
he never called us back
How did you get my number?
where did you find my cell number
How'd you get my info?
I'm not interested, how did you get my number?
No, you never called me back
My husband passed away last year, but I am interested
My mother passed away, can you call me next month?
my dad just died, call me in a few weeks
I hate phone calls but go on
I didn't ask for a call but go ahead
Is this a scam?
how do I know this isn't a scam
Can you remove the old roof?
I want the old panels gone, can you remove the trees too
I have to take this off the stove
can I get that off my bill
I want out of this house
I'm on the waiting list
It's on the list of things to do
I have no permission from my landlord
I don't consent to a credit check
It is illegal to put panels on my roof
I got a violation from the HOA
we have violations on the roof
I have to report this to my wife
I go away for the weekend, call me Monday
I get lost driving there
I always lose my phone
I never gave you an answer
I'll hang up and call you back
That's the wrong house number, ours is nine
you got the wrong name but yes it's me
she doesn't live here full time
It stopped raining
I haven't signed up yet
There's no smoking here
nobody called
no me llame mañana, llámeme el miércoles
mi esposo falleció pero me interesa
`;
/** What is as near to these as can be, and may ask for calls to end. */
export const nearMisses = `
Don't call me tomorrow
Don't call me today or ever
Don't call me tomorrow, don't call me Wednesday
Don't call me tomorrow, call me never
Don't call me tomorrow, call me when hell freezes over
don't call me today, tomorrow or any other day
don't call me before nine or after nine
don't call me after today
no calls after today
no calls before we agreed to them
Don't call me at work, call me at home
Don't call this number, call my other one
Don't call me, text me
Don't text me or call me
don't text me, don't call me
don't call me that much
call me Wednesday, don't call me
Call me tomorrow and don't call me again
you never called me back and never call me again
You never called me back, so don't
I wish you never called me back
I'd be glad if you never called back
I told you never called me back
you never called me before, don't start now
Where the hell did you get my number
How did you get my number? Take it off
How did you get my number? I want it gone, delete it
Who gave you my number?
How did you get my number? I never gave you my number
He passed away
My husband passed away
my husband passed away, I'm not interested
My husband passed away and I am not interested
My husband passed away, can you not call me next month
My husband passed away, I'm interested in being left alone
My father passed away, stop calling him, call me later
John passed away but I'm interested
I hate calls
I hate your calls but go on, tell me how to get off the list
I didn't ask for a call
This is a scam
What is this, a scam?
remove the number
remove the old number
remove my panels and my number
delete my mortgage info and my number
take that off my bill and take me off too
I want out of this contract and this list
How did you get my number? Please don't use it
how did you get my number, I'm on the registry
How did you get my number? You have the wrong person
I'll hang up and call my lawyer
she doesn't live here on this earth anymore
take this off the list
I want off
don't put me on your waiting list or any list
take me off the waiting list
You have no permission from my landlord to call me
I don't consent to a credit check and I don't consent to these calls
it is illegal to call me
go away for good
get lost
you people lose my number
I never gave you permission
hang up and don't call back
keep calling and I'll report you
wrong house
wrong name
he doesn't live here
nobody called John here
no me llame mañana ni nunca
no me llame mañana, no me llame nunca
mi esposo falleció
mi esposo falleció, no me interesa
`;

export const cutShort = [
  ["please don't", "mhm", "call me again"],
  ["I don't", "uh huh", "want you to call"],
  ["I want my number", "Sure, one moment", "removed"],
  ["this number", "yes", "is on the registry"],
  ["please do not ever", "I understand you are busy but", "contact this number"],
  ["You have the", "mm", "wrong guy"],
] as [string, string, string][];
export const conversations: string[][] = [
  ["No.", "When is a good time?", "Call me at five."],
  ["I'm not interested right now.", "When?", "Call me in March."],
  ["No, I don't.", "I see. Do you rent?", "Yes.", "Fine", "Call me Monday"],
  ["Not really", "ok", "You can call me"],
  ["I have not.", "ok", "Call me when you know"],
  ["I am not.", "Oh", "Call me tomorrow"],
  ["I don't want solar.", "And heat pumps?", "Maybe, call me next week."],
  ["Not today", "Tomorrow?", "Contact me tomorrow"],
  ["No", "Shall we call?", "Call me"],
  ["We don't", "ok", "Can you text me the info?"],
  ["I never did", "ok", "phone me tomorrow"],
  ["It is not", "ok", "Please call my husband"],
  ["No thanks", "Is the number right?", "My number is fine"],
  ["I don't think so", "ok", "my number is five five five"],
  ["I can't remember", "what", "Call my office"],
  ["No I do not", "do you have a number", "Name is Bob"],
];

/** Where a clause ends decides who is meant: as vendors write it, with its marks. */
export const inClauses = `
Who am I? Don't call me again.
Listen, I, don't call me
I- I- don't call me anymore
Look I'm... don't call me again
Neither do I. Don't call me.
First, stop calling me.
Next, stop calling my house
Number one, stop calling me
I want these calls to stop by tomorrow
The calls must stop by today
a partir de ahora no llamen a mi casa
desde hoy no llamen a esta casa
I have not given you permission to contact me
who gave you permission to call me
nobody should call me again
no need to call back
I don't want to be in your system
get rid of my number
don't leave me any more voicemails
no quiero ser contactado
les pedí que no me llamaran
estoy harto de sus llamadas
no me hable más
no acepto llamadas
este ya no es su número
I am so tired of you people calling me
I'm busy. Quit.
Enough! Goodbye.
I told you already. No more.
Hello? Cancel.
Estoy ocupado. Pare.
`;
export const invitations = `
I'm at work, can't take calls right now
I'm sick today, please call me tomorrow
I'm tired right now, call me tomorrow
I can't. Call me later.
I'll stop by tomorrow
No, llame el lunes
ahorita no, llame más tarde
I don't want to miss your call
`;
