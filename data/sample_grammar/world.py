"""Actions of public life for the sample corpus: work, school, health, science, history and the news.

Every topic begins with its name in brackets; `lexicon` describes the rows.
"""

WORLD = """
[work]
by: manager/boss, secretary, employee/worker, accountant, lawyer/attorney, director, consultant
at: in the office/at the office, in the meeting room/in the conference room, at the factory/at the plant, on
    the third floor
write/draft | report, letter, contract/agreement, speech, memo | in great detail, in a few hours, for the
    board | long/lengthy, short/brief
sign > tear up | contract/agreement, letter, petition, document | without hesitation, with a blue pen/in
    blue ink, in front of witnesses | secret/confidential, new
hire/employ > fire/dismiss | engineer, secretary, accountant, security guard, lawyer/attorney | after a
    short meeting, without any discussion/without discussion, for financial reasons | young, experienced
schedule/arrange > cancel/call off | meeting, job interview, presentation, conference, training course | by
    phone/over the phone, at the last minute, without any discussion/without discussion | important,
    short/brief
finish/complete > begin/start | project, report, task, presentation, survey/poll | on time/on schedule, with
    great effort/with a lot of effort, with a small team | important, difficult/hard
answer/reply to! > ignore | email, letter, question, phone call, complaint | politely, for three days, on
    purpose/intentionally | urgent/pressing, long/lengthy
discuss/talk about! | plan, budget, problem/issue, proposal, schedule/timetable | at length/for a long time,
    with the clients/with the customers, behind closed doors/in private | new, difficult/hard
organize/file | documents+/papers+, invoices+/bills+, records+ | by date, with great care/very carefully, in
    alphabetical order | old, important
lead/head > leave/quit | department, project, research group, company/firm | for many years, with great
    success/very successfully, for personal reasons | small/little, new

[school]
by: teacher/instructor, student/pupil, professor, librarian, tutor, the principal/the head of the school
at: in the classroom, at school, at the university/on campus, in the library, at home
read | @publication | aloud/out loud, with great interest, from beginning to end/from cover to cover | old,
    interesting
explain | rule, problem, experiment, poem, theorem | in simple words/in plain language, patiently/with
    patience, on the blackboard/on the board | difficult/hard, new
solve/work out | puzzle/riddle, equation, problem, crossword | without any help/unaided, in a few minutes,
    on the blackboard/on the board | difficult/hard, simple/easy
pass > fail | exam/examination, test/quiz, course, driving test | for the second time, to everyone's
    surprise, with a friend/with a buddy | difficult/hard, final
study/learn | history=, physics=, chemistry=, Spanish=, Latin=, geography= | with great interest, with a
    private tutor, in small groups, online/on the internet
borrow > return/give back | book, dictionary, novel, atlas, calculator | from the shelf, in good condition,
    after class | old, thick
correct/grade | test/quiz, essay/paper, homework~, exam/examination | with a red pen/in red ink, on the
    train, very strictly | long/lengthy, final
memorize > forget | poem, list, speech, rule, password | in a few minutes, with little effort, for the exam
    | long/lengthy, short/brief
teach | history=, physics=, music=, French=, geography= | to small children/to little kids, with great
    enthusiasm, in small groups, for many years
ask/pose | question, riddle | in a loud voice, in front of the whole class, politely | difficult/hard,
    simple/easy

[health]
by: doctor/physician, nurse, surgeon, dentist, pharmacist, paramedic, therapist
at: at the hospital, in the clinic, in the emergency room, in a remote village, at a nursing home
examine/check | patient, wound/injury, broken leg, sore throat, baby/infant | thoroughly/from head to toe,
    with a small lamp, for a second time | young, worried/anxious
treat | infection, patient, burn, headache, fever | with antibiotics, with herbal tea, with great
    success/very successfully | serious/severe, mild
take/swallow | medicine~/medication~, pill/tablet, cough syrup~, sleeping pill | with a glass of water,
    after every meal, on an empty stomach | strong, bitter
prescribe/recommend | painkillers+, antibiotics+, sleeping pills+, medicine~/medication~, eye drops+ | for
    ten days, over the phone/by phone, without hesitation | strong, mild
bandage | wound/injury, knee, hand, ankle | with a clean cloth, in a few minutes, very skillfully/with great
    skill | swollen, injured/hurt
exercise/work out | | for half an hour/for thirty minutes, with light weights, in the fresh air/outdoors, to
    loud music
give up!/quit! > take up! | smoking=, boxing=, jogging= | for good reasons, after a long illness, on medical
    advice
test/try out | vaccine, drug/medicine, treatment/therapy, diet | on volunteers, in a large trial/in a big
    study, for side effects | new, cheap/inexpensive
comfort/calm down > frighten/scare | patient, child/kid, baby/infant, old woman/old lady | with a quiet
    voice, in the waiting room, without meaning to | sick/ill, nervous

[technology]
by: programmer/developer, engineer, technician, designer, inventor, hacker
at: in the workshop, at the computer lab, at a trade fair, at a startup/at a young company, in the server room
repair/fix > break/damage | @device, robot, engine/motor, server | with a small screwdriver, in less than an
    hour, by accident/accidentally | old, expensive/costly
install/set up > remove/delete | program, app/application, update, operating system, antivirus software~ |
    on every computer/on all computers, in ten minutes, without permission | new, free
develop/create | program, app/application, video game, website, search engine | in a few weeks, with a small
    team, on a low budget/with little money | simple/easy, useful
switch on/turn on > switch off/turn off | @device, light/lamp, alarm, machine | by remote control/with a
    remote control, from another room, by accident/accidentally | new, old
charge | phone/cellphone, laptop/notebook computer, electric car, battery | overnight, with solar power/with
    solar energy, in less than an hour | new, old
test/try out | robot, drone, engine/motor, self-driving car, solar panel | under extreme conditions, for the
    first time, in secret/secretly | new, small/little
download > upload | file, video/clip, photo/picture, song/tune, map | in a few seconds, over a slow
    connection, in secret/secretly | large/big, old
build/assemble > take apart/dismantle | robot, computer, drone, telescope, model plane | with spare parts,
    in a few hours, step by step | small/little, cheap/inexpensive
design | bridge, website, electric car, logo, wind turbine | on a computer, with great care/very carefully,
    for a foreign client | modern, simple/easy

[history]
by: king/monarch, queen, emperor, general/commander, explorer, architect, inventor, knight, the rebels+
at: in the capital, on the northern coast/on the north coast, near the great river, in the eastern provinces
like: young, old/elderly, famous/well-known, powerful/mighty, forgotten
when: in 1412, in 1547, in 1683, in 1750, in 1821, in 1867, in 1904, in the twelfth century, in the
    eighteenth century, during the war/in the war years, after the great fire, two thousand years ago
build/construct/erect > destroy/demolish/tear down | palace, temple, castle/fortress, bridge, city wall,
    lighthouse | within ten years/in a decade, with the help of prisoners, at great cost |
    magnificent/splendid, large/big
conquer/capture/seize > lose/give up | city/town, island, province, fortress/castle | after a long siege, in
    a single night, without a fight | rich/wealthy, small/little
discover/find | island, tomb, silver mine, ancient city, waterfall | by chance/by accident, on the way home,
    with the help of an old map | unknown, large/big
sign > break/violate | treaty/pact, peace agreement, secret alliance, trade agreement | in great
    haste/hastily, under pressure, in the presence of witnesses | important, new
rule/govern | kingdom/realm, empire, island, duchy | for twenty years/for two decades, with great
    wisdom/very wisely, with an iron hand | small/little, rich/wealthy
invent/devise | steam engine, water clock, compass, loom, telescope | by chance/by accident, after many
    failures/after many failed attempts | simple/easy, famous/well-known
found/establish > close down/abolish | university, monastery/abbey, hospital, colony, school | with private
    money, at great cost, in honor of a saint | small/little, famous/well-known
attack > defend/protect | village, castle/fortress, harbor/port, caravan | with a large army, at sunrise/at
    dawn, without allies | rich/wealthy, small/little

[science]
by: scientist/researcher, biologist, astronomer, chemist, physicist, geologist, the research team/the team
    of researchers
at: in the laboratory/in the lab, in the desert, at the observatory, on the ocean floor/on the seabed, at a
    research station
study/examine | star, comet, cell, crystal, bacteria+, glacier | for several years/over several years, with
    a new method/using a new method, in great detail | strange/odd, rare
measure | the temperature, the depth of the lake, the air pressure, the wind speed, the water level | with
    great precision/very precisely, every ten minutes, with a simple device
discover/find | planet, virus, fossil, particle, gene | by chance/by accident, after years of work, with the
    help of a computer | unknown, tiny
prove/confirm > disprove/refute | theory, hypothesis, old claim, prediction | with a clever experiment,
    after years of work, with new data | controversial/disputed, famous/well-known
publish | results+/findings+, study/paper, article, book, report | in a leading journal, with several
    colleagues, under time pressure | surprising/unexpected, detailed
heat/warm up > cool/chill | liquid/fluid, metal~, gas, mixture/blend, sample/specimen | to ninety degrees,
    slowly/gradually, in a closed container | toxic/poisonous, unknown
collect/gather | water samples+, rocks+/stones+, fossils+, insects+/bugs+, butterflies+ | by hand/manually,
    with a small robot, for several years/over several years | rare, old
predict/forecast | earthquake, storm, solar eclipse, volcanic eruption | with great precision/very
    precisely, several days in advance, with a new method/using a new method | rare

[news]
by: police officer/cop, firefighter, journalist/reporter, thief/robber, judge, politician,
    protester/demonstrator, the mayor, soldier
at: in the city center/downtown, in front of the town hall/outside the town hall, on the main street, near
    the border/close to the border
arrest/detain > release/set free | thief/robber, suspect, protester/demonstrator, smuggler, spy | late at
    night, without any explanation, in front of the cameras | young, dangerous
steal | painting, @vehicle, jewels+/gems+, wallet, laptop/notebook computer | in broad daylight,
    unnoticed/without being seen, during a festival | valuable, expensive/costly
put out/extinguish > start | forest fire/wildfire, fire/blaze, kitchen fire | on purpose/intentionally, in a
    few minutes, under the eyes of the neighbors | small/little, dangerous
rescue/save | child/kid, sailor, hiker/walker, cat, family | from a burning house/out of a burning house,
    with a long ladder, in the middle of the night | frightened/scared, injured/hurt
interview/question | witness, actor, politician, singer/vocalist, suspect | on live television/live on
    television, for nearly an hour/for almost an hour, in a small studio | famous/well-known, young
approve/accept > reject/turn down | law, proposal, plan, budget, reform | by a narrow majority, after a long
    debate/following a long debate, without changes | controversial/disputed, new
praise > criticize/attack | decision, plan, law, minister, government | in public/publicly, in a long
    speech, on live television/live on television | new
block | road/street, entrance, bridge, highway/motorway | for several hours/for a few hours, with old tires,
    with a tractor | main, busy
find > lose | wallet, passport, gold ring, old diary, key | on a park bench, in the crowd, during a storm |
    stolen, valuable

[finance]
by: investor, broker/trader, the bank, the company/the firm, landlord, the insurance company/the insurer
at: on the stock market/on the stock exchange, in the region, in several countries/in a number of countries
buy/purchase/acquire > sell | shares+/stocks+, gold~, apartment/flat, company/firm, farm | at a high
    price/for a lot of money, through an agent/via an agent, in secret/secretly | small/little, valuable
pay back/repay | loan, debt, mortgage | in monthly installments, ahead of schedule/early, with high interest
    | large/big, old
rent/lease | apartment/flat, office, warehouse/storehouse, vacation home | for five years, at a low
    price/for little money, through an agent/via an agent | modern, large/big

[economy]
by: the government, the company/the firm, the airline/the air carrier, the central bank, the oil company,
    the city council
at: in the region, in the capital, in several countries/in a number of countries
raise/increase > lower/cut/reduce | prices+, taxes+, interest rates+, wages+/salaries+, fees+ | by five
    percent, without warning/without notice, for the third time
open > close/shut down | bank account, branch/branch office, factory/plant, store/shop, hotel | for tax
    reasons, with immediate effect/at once, without warning/without notice | new, small/little
save > spend/waste | money~/cash~, fuel~, energy~ | on a large scale, with little effort, in difficult
    times/in hard times
forecast/predict | losses+, growth~, inflation~, profits+ | with some confidence, in a long report, for the
    coming year/for the next year | rapid/fast, moderate
build/construct | factory/plant, power station/power plant, airport, oil pipeline, shopping center/mall | at
    great cost, with foreign money, on the edge of the city | modern, large/big
"""
