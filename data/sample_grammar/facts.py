"""Statements, questions and wishes of the sample corpus that do not fit an agent-verb-object clause.

Every block is one meaning: lines with + state it, lines with - deny it. Blanks in braces are filled from
`words.FILLERS`; two blanks of one kind have a digit each, and exchanging them gives another meaning.
"""

FACTS = """
[finance]
+ Shares of {company} rose {percent} percent {past}.
+ {past}, the stock of {company} gained {percent} percent.
+ The share price of {company} climbed by {percent} percent {past}.
- Shares of {company} fell {percent} percent {past}.
- {past}, the stock of {company} lost {percent} percent.
- The share price of {company} dropped by {percent} percent {past}.

+ {company} made a profit of {count} million dollars {past}.
+ {company} earned {count} million dollars {past}.
+ The profit of {company} came to {count} million dollars {past}.
- {company} made a loss of {count} million dollars {past}.
- {company} lost {count} million dollars {past}.

+ {company} plans to hire {thousand} new workers in {city}.
+ About {thousand} new jobs will be created in {city} by {company}.
+ In {city}, {company} wants to create {thousand} jobs.
- {company} plans to lay off {thousand} workers in {city}.
- About {thousand} jobs will be cut in {city} by {company}.

+ {company1} has agreed to buy {company2} for {count} billion dollars.
+ {company2} will be taken over by {company1} for {count} billion dollars.
+ For {count} billion dollars, {company1} is going to acquire {company2}.

[weather]
+ There will be {sky} in {city} {future}.
+ {future}, forecasters expect {sky} in {city}.
+ People in {city} should prepare for {sky} {future}.
+ The forecast for {city} promises {sky} {future}.
- There will be no {sky} in {city} {future}.
- {future}, nobody expects {sky} in {city}.

+ The temperature in {city} will rise to {degrees} degrees {future}.
+ {future}, it will get as warm as {degrees} degrees in {city}.
+ In {city}, a high of {degrees} degrees is expected {future}.

+ It was {warmth} in {city} {past}.
+ {past}, the weather in {city} was {warmth}.
+ {city} had {warmth} weather {past}.
- It was not {warmth} in {city} {past}.
- {past}, the weather in {city} was anything but {warmth}.

[news]
+ {count} people were {harm} when a {crash} crashed near {city} {past}.
+ {past}, a {crash} accident near {city} left {count} people {harm}.
+ Near {city}, a {crash} crashed {past}, and {count} people were {harm}.
- Nobody was {harm} when a {crash} crashed near {city} {past}.
- {past}, a {crash} accident near {city} left nobody {harm}.

+ The city council of {city} approved the plan to {scheme}.
+ The plan to {scheme} was accepted by the council of {city}.
+ In {city}, the council voted in favor of the plan to {scheme}.
- The city council of {city} rejected the plan to {scheme}.
- The plan to {scheme} was turned down by the council of {city}.
- In {city}, the council voted against the plan to {scheme}.

+ {person} won the election for mayor in {city} {past}.
+ {past}, {person} was elected mayor of {city}.
+ The people of {city} chose {person} as their mayor {past}.
- {person} lost the election for mayor in {city} {past}.
- {past}, {person} was defeated in the race for mayor of {city}.

+ The {event} in {city} was cancelled because of {trouble}.
+ Because of {trouble}, the {event} in {city} had to be called off.
+ The organizers called off the {event} in {city} due to {trouble}.
- The {event} in {city} took place despite {trouble}.
- In spite of {trouble}, the {event} in {city} went ahead.

+ The number of {trend} in {city} has risen by {percent} percent.
+ In {city}, there are {percent} percent more {trend} than a year ago.
+ {city} reports an increase of {percent} percent in the number of {trend}.
- The number of {trend} in {city} has fallen by {percent} percent.
- In {city}, there are {percent} percent fewer {trend} than a year ago.
- {city} reports a decrease of {percent} percent in the number of {trend}.

[art]
+ The {film} about {person} was {verdict}.
+ {past}, critics called the {film} about {person} {verdict}.
+ Everyone found the {film} about {person} {verdict}.
- The {film} about {person} was not {verdict}.
- Nobody found the {film} about {person} {verdict}.

[kitchen]
+ The {dish} in the restaurant in {city} was {flavor}.
+ In {city}, the restaurant served {dish} that was {flavor}.
- The {dish} in the restaurant in {city} was not {flavor}.

[home]
+ There is a {color} {thing} {spot}.
+ A {color} {thing} is {spot}.
+ {spot}, there is a {color} {thing}.
- There is no {color} {thing} {spot}.

+ The {place} is {quality}, {person} says.
+ According to {person}, the {place} is {quality}.
+ {person} finds that the {place} is {quality}.
- The {place} is not {quality}, {person} says.
- According to {person}, the {place} is not {quality}.

[travel]
+ The train to {city} leaves at {hour} o'clock {day}.
+ {day}, the train for {city} departs at {hour} o'clock.
+ {day}, there is a train to {city} at {hour} o'clock.

+ {past}, the flight from {city} was {count} minutes late.
+ The plane from {city} arrived {count} minutes behind schedule {past}.
+ The flight from {city} was delayed by {count} minutes {past}.
- {past}, the flight from {city} was {count} minutes early.
- The plane from {city} arrived {count} minutes ahead of schedule {past}.

+ It is {count} kilometers from {city} to the coast.
+ The coast is {count} kilometers away from {city}.
+ {city} lies {count} kilometers from the coast.

+ Do you know where the nearest {amenity} is?
+ Can you tell me how to get to the nearest {amenity}?
+ Excuse me, where can I find a {amenity} near here?
+ Is there a {amenity} near here, and how do I get there?

+ Where is {city}, and how many people live there?
+ In which region is {city}, and what is its population?
+ How many inhabitants does {city} have, and where is it?

[society]
+ {human1} gave {human2} {gift} {past}.
+ {past}, {human1} gave {gift} to {human2}.
+ {human2} received {gift} from {human1} {past}.
+ {human2} was given {gift} by {human1} {past}.

+ {human1} lent {human2} {gift} {past}.
+ {past}, {human2} borrowed {gift} from {human1}.
+ {past}, {human1} let {human2} borrow {gift}.

+ {human1} sent {human2} {gift} {past}.
+ {human2} got {gift} from {human1} in the mail {past}.
+ {past}, {gift} from {human1} reached {human2} by mail.

+ {person1} is taller than {person2}.
+ {person2} is shorter than {person1}.
+ {person2} is not as tall as {person1}.

+ {person1} is {count} years older than {person2}.
+ {person2} is {count} years younger than {person1}.
+ {person2} was born {count} years after {person1}.

+ {person1} trusts {person2} more than anyone else.
+ Nobody has the trust of {person1} as much as {person2}.
+ It is {person2} whom {person1} trusts the most.

+ {person} was born in {city} in {year}.
+ In {year}, {person} was born in {city}.
+ The birthplace of {person}, born in {year}, is {city}.

+ {person} likes {pastime1} better than {pastime2}.
+ {person} prefers {pastime1} to {pastime2}.
+ {person} is less fond of {pastime2} than of {pastime1}.

+ {person} is afraid of {creature}.
+ {person} is scared of {creature} and has always been so.
+ {creature} frighten {person}.
- {person} is not afraid of {creature}.
- {creature} do not frighten {person} at all.

+ {person} would like to {plan}.
+ One day, {person} hopes to {plan}.
+ It is the dream of {person} to {plan}.
- {person} does not want to {plan}.
- {person} has no intention to {plan}.

[sport]
+ {team1} beat {team2} {result} {past}.
+ {past}, {team2} lost to {team1} {result}.
+ {team2} were defeated by {team1} {result} {past}.
+ {past}, {team1} won {result} against {team2}.

+ {person1} finished the race {count} seconds ahead of {person2}.
+ {person2} crossed the finish line {count} seconds after {person1}.
+ {person1} was {count} seconds faster than {person2} in the race.

[health]
+ A new study suggests that {healthy} lowers the risk of {disease}.
+ According to researchers, {healthy} helps to prevent {disease}.
+ The risk of {disease} is reduced by {healthy}, scientists say.
- A new study suggests that {healthy} raises the risk of {disease}.
- According to researchers, {healthy} can lead to {disease}.
- The risk of {disease} is increased by {healthy}, scientists say.

+ What can I do to protect myself from {disease}?
+ How can {disease} be prevented?
+ Is there a good way to prevent {disease}?

[school]
+ {person} speaks {language} fluently.
+ {person} is fluent in {language} and can read it well.
+ {language} is a language that {person} speaks very well.
- {person} does not speak any {language}.
- {person} does not know a word of {language}.

+ {person} taught {human} to {skill} in {count} weeks.
+ {human} learned to {skill} from {person} in {count} weeks.
+ It took {person} {count} weeks to teach {human} to {skill}.

+ How long does it take to learn to {skill}?
+ How much time do you need to learn how to {skill}?
+ How quickly can a beginner learn to {skill}?

[shopping]
+ The {good} costs {count} dollars at the store in {city}.
+ At the store in {city}, you have to pay {count} dollars for the {good}.
+ The price of the {good} is {count} dollars at the store in {city}.

+ The {good} was cheaper in {city1} than in {city2}.
+ {person} paid less for the {good} in {city1} than in {city2}.
+ In {city2}, the {good} cost more than in {city1}.

[technology]
+ The {software} crashes whenever the user {mishap}.
+ Every time someone {mishap}, the {software} stops working.
+ If you have the old version, the {software} fails each time it {mishap}.
- The {software} no longer crashes when the user {mishap}.
- The latest update fixed the {software}, which failed whenever someone {mishap}.

+ {company} released a new version of its {software} {past}.
+ {past}, a new version of the {software} from {company} came out.
+ The {software} by {company} was updated {past}.

[history]
+ The university of {city} was founded in {year} by {person}.
+ In {year}, {person} established the university of {city}.
+ {person} founded a university in {city} in {year}.

+ The old bridge in {city} collapsed in {year} and {count} people died.
+ In {year}, {count} people lost their lives when the old bridge in {city} fell down.
+ {count} people were killed in {year} by the collapse of the old bridge in {city}.

[science]
+ {person} won a prize in {year} for research on {disease}.
+ In {year}, {person} was given an award for studying {disease}.
+ For work on {disease}, {person} received a prize in {year}.
"""
