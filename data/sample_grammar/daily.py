"""Actions of everyday life for the sample corpus: what people and animals do, topic by topic.

Every topic begins with its name in brackets; `lexicon` describes the rows.
"""

DAILY = """
[kitchen]
by: cook/chef, baker, waiter/server, butcher, host
at: in the kitchen, in a small restaurant/in a little restaurant, in the bakery, at a food festival/at a
    food fair
chop/cut up/dice | @vegetable | with a sharp knife/using a sharp blade, into small pieces/into little
    chunks, carefully/with care | fresh, large/big
slice | @fruit, bread~, cheese~, cucumber, sausage | with a sharp knife/using a sharp blade, for the salad,
    thinly/into thin slices | fresh, delicious/tasty
peel | @fruit, potato/spud, carrot | with a small knife/using a small blade, over the sink, slowly/without
    hurry | ripe, small/little
fry/cook | egg, fish, steak, mushrooms+, sausage | in butter, in a hot pan/in a hot skillet, with garlic |
    fresh, delicious/tasty
bake/make | cake, bread~, apple pie/apple tart, cookies+/biscuits+ | for the guests/for the visitors, in a
    hot oven, with honey | delicious/tasty, sweet
prepare/make | soup~, pasta~/noodles+, salad, breakfast=, dinner=/the evening meal= | for the family, with
    fresh herbs, in a hurry/hurriedly
stir/mix | sauce, batter, dough~ | with a wooden spoon/using a wooden spoon, slowly/gently, in a large
    bowl/in a big bowl | sweet, thick
taste/try/sample | sauce, soup~, wine~, cheese~, dessert | with a small spoon/using a little spoon,
    carefully/with care | delicious/tasty, expensive/costly
eat/consume | sandwich/sub, @fruit, pizza, bowl of soup/plate of soup, salad | hungrily/with a big appetite,
    with a friend/with a buddy, quickly/in a hurry | delicious/tasty, large/big
drink/sip | @drink | slowly/without hurry, from a large cup/from a big mug, with a friend/with a buddy |
    cold/chilled, fresh
serve/dish up | dinner=/the evening meal=, soup~, cake, roast chicken~ | to the guests/to the visitors, on
    white plates, with a smile
wash/rinse/clean > dirty/stain | pan/skillet, plate/dish, pot, glasses+ | with warm water, after the meal,
    by hand/manually | large/big, old

[home]
by: plumber, electrician, neighbor, grandfather/granddad, grandmother/grandma, carpenter, cleaner
at: in the living room/in the lounge, in the garage, upstairs/on the upper floor, in the backyard/behind the
    house
open > close/shut | door, window, gate, drawer, box, curtains+/drapes+ | quietly/without a sound, with one
    hand, slowly/little by little | heavy, wooden, old
clean/tidy up | room, bathroom, basement/cellar, closet | from top to bottom/thoroughly, with a friend/with
    a buddy, before the party | large/big, dusty
paint | fence, wall, door, ceiling, chair | in bright colors/in vivid colors, with a wide brush/using a
    broad brush, very neatly/with great precision | old, white
put on > take off/remove | @clothing, hat/cap, gloves+ | in a hurry/hurriedly, in front of the mirror,
    without a word/silently | warm, new
iron/press | @clothing | with great care/very carefully, in a few minutes, before dinner | white, clean
repair/fix/mend > break/damage | @furniture, roof, faucet/tap, fence, washing machine | with simple
    tools/using simple tools, on purpose/intentionally, with a neighbor | old, wooden
move/push/shift | @furniture, heavy box | across the room, into the corner, with great effort/with a lot of
    effort | large/big, old
light > put out/extinguish | candle, fire, lantern, oil lamp | with a steady hand, in silence/silently, at
    midnight | small/little
fill > empty | bucket/pail, bathtub/tub, bottle, jar | slowly/little by little, in a few minutes, for the
    children/for the kids | large/big, plastic
sweep | floor, stairs+/steps+, terrace/patio | with an old broom/using an old broom, from end to
    end/thoroughly | dusty, dirty
hang up > take down | picture, mirror, calendar, curtains+/drapes+, wet towels+ | with a neighbor, without
    any help/unaided | large/big, colorful

[shopping]
by: customer/shopper, seller/vendor, cashier, shop owner/shopkeeper, tailor
at: at the mall/in the shopping center, at the supermarket/in the grocery store, at the flea market, in a
    small shop/in a little store
buy/purchase > sell | @clothing, @device, @furniture, watch | at half price/for half the price, for cash,
    online/on the internet | used/secondhand, expensive/costly, new
try on | @clothing, hat/cap, boots+, ring | in front of the mirror, with great care/very carefully |
    expensive/costly, elegant/stylish
order | @device, @furniture, tea set, carpet/rug | online/on the internet, by phone/over the phone, for a
    friend/for a buddy | new, expensive/costly
wrap/wrap up > unwrap | present/gift, bottle, vase, box of chocolates | in colorful paper, carefully/with
    care | large/big, small/little
deliver > pick up/collect | package/parcel, letter, flowers+, groceries+ | on time/punctually, in the rain,
    by bicycle/by bike | large/big
return/bring back/take back > keep | @clothing, @device, watch, lamp | without a receipt, after two days,
    unused | broken/damaged, expensive/costly
compare | prices+, products+/goods+, brands+, price tags+ | carefully/with care, for a long time/at length

[music]
by: musician/performer, guitarist, singer/vocalist, pianist, composer, the band/the group
at: on the stage/on stage, in the concert hall/in the auditorium, at a wedding/at a wedding party, on the
    street/in the street
play | @instrument | beautifully/in a beautiful way, loudly/at full volume, for a small audience/in front of
    a few listeners | old, expensive/costly
tune | guitar, piano, violin/fiddle, harp | before the concert/ahead of the show, by ear, patiently/with
    patience | old, valuable
sing/perform | song/tune, ballad, folk song, lullaby, duet | in a low voice/softly, with great feeling/very
    emotionally, without a microphone | sad, cheerful/happy
compose/write | symphony, song/tune, opera, film score, waltz | for a young singer, in only three days, in
    memory of a friend | short/brief, romantic
record | album, song/tune, duet, film score | in one take, with a small choir, with modern equipment | new,
    romantic
listen to!/hear | song/tune, symphony, concert, choir, opera | with closed eyes, in silence/silently,
    through headphones/with headphones | famous/well-known, beautiful/lovely
rehearse/practice | concerto, dance, musical, opera | without a break/nonstop, in front of a mirror, with
    great patience/very patiently | difficult/hard, famous/well-known
conduct/direct | orchestra, choir, symphony, brass band | without a score/from memory, with great
    energy/very energetically | famous/well-known, young

[sport]
by: player/athlete, goalkeeper/goalie, coach/trainer, referee, gymnast, sprinter, the home team/the local team
at: in the stadium/in the arena, in the gym/in the sports hall, in the park, on the beach, at the sports club
play | football=/soccer=, tennis=, basketball=, volleyball=, baseball=, rugby=, golf=, chess= | with
    friends/with some buddies, in the rain, for an hour/for sixty minutes
throw/toss > catch/grab | ball, stick, frisbee, rope, baseball | with one hand/single-handedly, with great
    skill/very skillfully, high in the air | heavy, small/little
kick | ball, door, can, football/soccer ball | over the fence/across the fence, with the left foot, very
    hard/with great force | old, red
win > lose | match/game, tournament/competition, race, championship/title, final | by a wide margin/by a
    large margin, in the closing minutes/in the final minutes, in front of a large crowd/before a big crowd
    | important, difficult/hard
run/jog | | along the river/beside the river, at a steady pace, without a break/nonstop, around the lake
swim | | across the lake, without a break/nonstop, in the cold sea/in the cold ocean, very fast/at high speed
climb/scale | mountain/peak, wall, cliff, rope | with bare hands, without any help/unaided, in less than an
    hour | steep, high
ride | horse, bicycle/bike, motorcycle/motorbike, pony | down the hill, along the beach, very fast/at high
    speed | white, brown
train/coach | swimmer, runner/jogger, boxer, youth team/junior team | for the championship, very
    patiently/with great patience, without pay/for free | young, talented/gifted
lift/raise > lower/put down | barbell, heavy weight, trophy/cup, flag | with both hands, in front of the
    crowd, slowly/little by little
score | goal, point, winning goal | with a header, in the closing minutes/in the final minutes, from long
    range/from a long way out
watch/follow | match/game, race, tournament/competition, boxing match/boxing fight | from the front row, on
    a large screen/on a big screen, with great interest | exciting/thrilling

[travel]
by: tourist/traveler, passenger, pilot, driver, tour guide/guide, captain/skipper, sailor
at: at the airport, in the city center/downtown, on a small island, in the harbor/in the port, at the train
    station/at the railway station
visit/tour | museum, castle/fortress, cathedral, ruined temple, national park | with a group of friends, on
    foot, with an audio guide | famous/well-known, old
board/get on! > leave/get off! | train, bus/coach, plane/aircraft, ferry, tram/streetcar | in a
    hurry/hurriedly, with two suitcases, without a ticket | crowded/packed
book/reserve > cancel/call off | flight, hotel room, trip, guided tour, boat trip/cruise | by phone/over the
    phone, online/on the internet, at the last minute | expensive/costly, cheap/inexpensive
pack > unpack | suitcase/bag, backpack/rucksack, trunk | in five minutes, with great care/very carefully,
    without any help/unaided | small/little, heavy
drive/steer | @vehicle | through the tunnel, along the coast/beside the sea, at high speed/very fast, in the
    fog | old, white
park | car/automobile, truck/lorry, van, bus/coach | in front of a hotel, under a tree/beneath a tree, with
    some difficulty | old, red
fly/pilot | plane/aircraft, helicopter/chopper, hot-air balloon, glider | over the mountains/across the
    mountains, in bad weather, with great skill/very skillfully | small/little, old
catch > miss | train, bus/coach, flight, ferry, tram/streetcar | by a few minutes, because of the traffic,
    with two friends | crowded/packed, late
cross | river/stream, bridge, border/frontier, desert, street/road | on foot, at night/after dark, in a
    small group | dangerous, quiet
explore | cave, valley, old town/old quarter, jungle/rainforest, island | with a local guide, by bicycle/by
    bike, without a map | beautiful/lovely, remote

[garden]
by: gardener, farmer/grower, forester, beekeeper, the owner of the house
at: in the garden/in the yard, in the forest/in the woods, on the hillside/on the slope, near the lake/by
    the lake
plant > dig up/uproot | apple tree, rose, bush/shrub, hedge, tulips+ | in a straight row, with a small
    shovel/using a small spade, behind the house/at the back of the house | young, beautiful/lovely
water | flowers+, lawn/grass~, rose, tomato plants+ | with a garden hose, with cold water, at sunset/at dusk
    | dry, young
pick/harvest/gather | apples+, grapes+, strawberries+, olives+, pears+ | by hand/manually, with a large
    basket, in the rain | ripe, sweet
cut down/chop down/fell | tree, oak, pine tree, dead branch | with a chainsaw/using a chainsaw, without
    permission | old, tall
mow/cut | lawn/grass~, meadow | in the hot sun/in the blazing sun, with a new machine, twice in one week |
    large/big, wet
feed | chickens+/hens+, cow, sheep, pig/hog, geese+ | with fresh hay, at sunrise/at dawn, by hand/manually |
    hungry, young
collect/gather | mushrooms+, firewood~, chestnuts+, wild berries+, fallen leaves+ | with a large basket, in
    great quantities, with the children/with the kids | dry, brown
dig | hole/pit, ditch/trench, pond, well | with a small shovel/using a small spade, behind the house/at the
    back of the house | deep, wide/broad

[animals]
by: @animal
at: in the grass, in the field/in the meadow, under a tree/beneath a tree, at the zoo, near the river/close
    to the river
like: brown, black, white, small/little, big/large, hungry, young
chase/run after!/pursue | @animal | for several minutes, very fast/at high speed, in circles | small/little,
    frightened/scared
watch/observe | @animal | in silence/silently, from a distance/from afar, with great interest | big/large,
    sleeping
bite | @animal, hand, stick | in the leg, without warning/out of nowhere | small/little
follow/walk behind! | @animal, tractor, shepherd/herder | through the snow, at a distance, in
    silence/silently | big/large, old
lick/sniff | bone, bowl, shoe, ice cube | for a long time, with great interest, happily/cheerfully |
    small/little, old
sleep/nap/doze | | peacefully/quietly, in the sun/in the sunshine, on a warm rock, beside the fire
jump over/leap over | fence, log/tree trunk, wall, puddle | with ease/easily, again and again/repeatedly |
    high/tall, old
bury/hide > dig up/unearth | bone, nut, toy, ball | behind the house/at the back of the house, quickly/in a
    hurry | old, small/little
eat/devour | meat~, carrot, fish, nuts+, fresh leaves+ | hungrily/with a big appetite, from a metal bowl, in
    a hurry/hurriedly
carry/haul | stick, basket, bone, young animal | between its teeth, up the hill, over a small bridge |
    heavy, small/little
run/race | | along the beach, through the snow, very fast/at high speed, around the house
swim | | across the lake, against the current, without effort/effortlessly, toward the shore

[society]
by: @person
at: at the party, in the park, in front of the house/outside the house, at the bus stop, in a crowded
    street/in a busy street
help/assist | @person | with the heavy bags/with the heavy luggage, kindly/in a friendly way, without being
    asked | old/elderly, young
greet/welcome/say hello to! > ignore | @person | at the door, in front of everyone/in public, in the
    hallway/in the corridor | famous/well-known, tall
hug/embrace > push away | @person | without a word/silently, in front of everyone/in public | young,
    crying/weeping
photograph/take a picture of! | @person | from behind, with an old camera/using an old camera, without
    asking | tall, smiling
call/phone | @person | from abroad, late at night, from a phone booth/from a phone box | worried/anxious,
    young
invite | @person | to a birthday party, to the wedding, for coffee | young, lonely
praise/compliment > criticize/scold | @person | in front of everyone/in public, in a short letter, in a calm
    voice | hardworking, young
follow/walk behind! | @person | down the street/along the street, at a distance, through the crowd | tall,
    nervous
laugh at!/make fun of! > admire/look up to! | @person | in secret/secretly, for years, without reason |
    young, tall
visit/call on! | @person | in the hospital, without warning/unannounced, with a bunch of flowers |
    old/elderly, sick/ill
walk/stroll | | along the beach, through the old town, with a small dog, in the rain
smile > cry/weep | | in front of the camera, for a moment, without a word/silently
argue/quarrel | | about money, over a parking space, for almost an hour/for nearly an hour, in a loud voice

[art]
by: painter/artist, sculptor, photographer, dancer, actor, writer/author, film director/filmmaker
at: in the studio/in the workshop, at the gallery/in the art gallery, in the theater, at an arts festival
paint | portrait, landscape, picture, mural, self-portrait | in oil, with bright colors/in vivid colors,
    from memory | large/big, beautiful/lovely
carve/sculpt | statue/sculpture, mask, figure, fountain | out of stone/from stone, out of wood/from wood, in
    great detail | small/little, strange/odd
write | novel, poem, play/drama, short story, biography | by hand, in a small notebook, under a false
    name/under a pseudonym | short/brief, sad
dance | | gracefully/with grace, to slow music, with a partner, in front of a mirror
shoot/film | movie/film, documentary, commercial/advertisement, love scene | with a small crew, in black and
    white, on a low budget/with little money | short/brief, strange/odd
exhibit/display/show > hide/conceal | painting, statue/sculpture, photograph/photo, mask, drawing/sketch |
    behind glass, for a whole month, in a dark room | old, valuable
watch/see | movie/film, play/drama, ballet, circus show | from the back row, with a group of friends, for
    the second time | new, sad
draw/sketch | map, picture, cartoon, tree, portrait | with a pencil/in pencil, in a few minutes, from memory
    | small/little, funny/amusing
"""
