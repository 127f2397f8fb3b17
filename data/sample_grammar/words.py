"""Words that all topics of the sample corpus share: people, invented names and places, kinds, times.

Commas separate meanings, and slashes separate the words for one meaning; `lexicon` reads them.
"""

PEOPLE = """man/guy, woman/lady, boy/lad, girl, child/kid, teenager/adolescent, student/pupil,
    tourist/traveler, neighbor, nurse, soldier, farmer, teacher/instructor, doctor/physician, musician,
    driver, lawyer/attorney"""
# The word for any human agent.
ANYONE = "person"

TRAITS = """young, old/elderly, tall, in a red shirt/wearing a red shirt/dressed in a red shirt, in a blue
    jacket/wearing a blue jacket, in a white coat/wearing a white coat/dressed in a white coat, with a
    black hat/wearing a black hat, with glasses/wearing glasses, with long hair, with a heavy backpack,
    from a small village/from a little village, from the neighborhood"""

# The word for a kind, and after the colon its members.
KINDS = {
    "instrument": """musical instrument/instrument: guitar, violin/fiddle, piano, flute, trumpet, cello,
        harp, accordion, banjo""",
    "vehicle": "vehicle: car/automobile, truck/lorry, van, bus/coach, motorcycle/motorbike, tractor",
    "animal": """animal: dog, cat, fox, horse, squirrel, monkey, elephant, bear, rabbit/bunny, lion, wolf,
        duck, goat, deer, kitten/young cat, puppy/young dog""",
    "fruit": "fruit~: apple, pear, banana, peach, plum, orange, mango",
    "vegetable": "vegetable: onion, carrot, potato/spud, tomato, pepper, cabbage, zucchini",
    "drink": "drink/beverage: coffee~, tea~, orange juice~, water~, milk~, lemonade~, beer~",
    "furniture": """piece of furniture: chair, table, sofa/couch, bed, bookcase/bookshelf, desk,
        cupboard/cabinet""",
    "clothing": "piece of clothing/garment: shirt, coat, sweater/pullover, dress, skirt, scarf, raincoat",
    "device": """electronic device/gadget: computer, laptop/notebook computer, phone/cellphone, tablet,
        camera, television/television set, printer, radio""",
    "publication": "publication: book, novel, magazine, newspaper/paper, comic book/comic",
}

FIRST_NAMES = """Marta, Jonas, Elena, Tobias, Priya, Samuel, Ingrid, Rafael, Noor, Oscar, Lena, Victor,
    Amara, Felix, Sofia, Henrik, Mina, Caleb, Yara, Dmitri, Clara, Hugo, Leila, Marcus, Tessa, Anton,
    Keiko, Julian, Rosa, Emil, Nadia, Simon, Ada, Pavel, Ivy, Gregory, Salma, Lucas, Freya, Omar"""
LAST_NAMES = """Lindholm, Varga, Okello, Brandt, Castellan, Moreau, Tanner, Ishikawa, Halvorsen, Petrov,
    Delgado, Whitlock, Sorel, Adeyemi, Kowalczyk, Fairbanks, Novak, Rahimi, Calloway, Jansen, Mbeki,
    Thorne, Ferrante, Lowell, Santoro, Eriksen, Hadley, Kessler, Duarte, Pemberton, Volkov, Ashdown,
    Mirza, Keller, Trevino, Larkin, Obando, Winslow, Zeman, Corrigan"""
CITIES = """Veldmoor, Aldenport, Kestrel Bay, Marrowfield, Port Salin, Northaven, Brindleton, Castor
    Falls, Dunmere, Easthollow, Fennwick, Granville Cross, Harlow Point, Lindau Springs, Mirefield,
    Oakhurst, Pellingham, Quarry Hill, Ravensford, Stonebridge, Tarnwood, Upper Selden, Westerleigh,
    Yarrow Creek"""
PROFESSIONS = """doctor/physician, teacher/instructor, lawyer/attorney, nurse, farmer, writer/author,
    painter, mechanic"""
SOURCES = """a witness, a neighbor, the newspaper/the paper, a spokesperson, the local radio station, an
    old friend, the teacher, the report, a reporter/a journalist"""

NUMBERS = "two/a couple of, three, four, five, several, many"
AMOUNTS = "two/a couple of, three, four, five, six, ten, a dozen/twelve, several, many"

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# fmt: off
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)
# fmt: on
DATES = ", ".join([f"on {day}" for day in DAYS] + [f"in {month}" for month in MONTHS])

# The times that fit each mode of the verb; `grammar.CHAINS` has the verb forms.
TIMES = {
    "progressive": """right now/at the moment/at this moment, this morning, this afternoon, this
        evening/tonight""",
    "past": """yesterday, last night, last week, last month, last summer, this morning, after lunch, last
        year, a week ago/seven days ago, two days ago/the day before yesterday, at noon/at midday, on the
        weekend, on New Year's Day, """
    + DATES,
    "future": """tomorrow, next week, tonight/this evening, soon/before long, next month, next year, in
        two days/the day after tomorrow, in the coming weeks/over the next few weeks, after the holidays, """
    + DATES,
    "habit": """every day/each day, every weekend/each weekend, once a week/one time per week, most
        evenings, in summer/during the summer, every morning/each morning, in winter/during the winter,
        almost every day/nearly every day, """
    + ", ".join(f"on {day}s/every {day}" for day in DAYS),
    "perfect": """many times/again and again, this week, this year, since Monday, since last summer,
        today, before""",
    "can": "at any time/any time, on weekends, today, this week",
}
LIKE_TIMES = {"must": "future", "want": "future", "try": "past", "manage": "past", "background": "past"}

# The fillers of each blank of the facts; a digit after the name of a blank distinguishes two of one kind.
FILLERS = {
    "company": """Northfield Energy, Brightwater Foods, Calder Motors, Solenne Airlines, Hexa Robotics,
        Tidewater Bank, Greenpine Timber, Orbis Software, Lumenta Pharma, Redstone Mining, Pacific Loom,
        Vantage Media""",
    "percent": "two, three, four, six, seven, 8, 9, 11, 12, 15, 18, 25, 40",
    "count": """two/2, three/3, four/4, five/5, seven/7, eight/8, twelve/12, fifteen/15, twenty/20,
        thirty/30, 45, 60, 80""",
    "thousand": "2,000, 5,000, 12,000, 18,000, 30,000, 45,000, 80,000, 150,000",
    "year": "1893, 1911, 1926, 1938, 1947, 1955, 1962, 1974, 1983, 1991, 2003, 2014",
    "degrees": "five, eight, twelve, fifteen, nineteen, twenty-two, twenty-six, thirty, thirty-four",
    "hour": "six/6, seven/7, eight/8, nine/9, ten/10, eleven/11",
    "day": "tomorrow, every day/each day, " + ", ".join(f"on {day}" for day in DAYS),
    "sky": """rain/showers, snow/snowfall, fog/mist, hail, thunder and lightning/a thunderstorm, strong
        wind/a strong wind""",
    "warmth": """warm > cold/chilly, sunny/bright > cloudy/overcast, dry > wet/rainy, calm/still >
        stormy/windy""",
    "film": "film/movie, play/drama, novel, concert, documentary, exhibition, lecture/talk, television show",
    "verdict": """exciting/thrilling > boring/dull, funny/amusing > sad, excellent/very good >
        terrible/very bad, long/lengthy > short/brief, easy to follow > hard to follow""",
    "dish": "soup, coffee, stew, tea, curry, fried fish, salad, roast chicken",
    "flavor": "too salty > too bland, delicious/tasty > disgusting/awful, hot > cold, spicy > mild",
    "place": "hotel room, apartment/flat, classroom, street, old house, waiting room",
    "quality": """clean/spotless > dirty/filthy, quiet/silent > noisy/loud, safe > dangerous/unsafe, dark
        > bright/well lit, large/big > small/little""",
    "thing": """cup/mug, vase, bicycle/bike, suitcase, umbrella, bag, ball, toy car, bottle, hat/cap,
        notebook, blanket, wooden box, cat, dog""",
    "color": "red, blue, green, yellow, black, white, gray, brown, purple",
    "spot": """on the table > under the table/beneath the table, in front of the door > behind the door,
        on top of the cupboard > inside the cupboard, near the window/by the window > far from the window,
        to the left of the sofa > to the right of the sofa""",
    "gift": """a book, some money/some cash, a ring, a letter, a bunch of flowers/a bouquet, an old
        photo/an old photograph, a box of chocolates, a ticket, a key, a watch""",
    "human": """the teacher, the girl, the boy, the old man/the elderly man, the nurse, the farmer, the
        manager/the boss, the lawyer/the attorney, the driver, the student/the pupil, the tourist/the
        traveler, the policeman/the cop""",
    "team": """the Veldmoor Rovers, the Dunmere Hawks, the Northaven Lions, the Oakhurst Sharks,
        the Ravensford Rangers, the Tarnwood Wolves, the Mirefield Falcons, the Stonebridge Pirates""",
    "result": "1 to 0, 2 to 1, 3 to 1, 3 to 2, 4 to 0, 5 to 2",
    "pastime": """tea, coffee, jazz, opera, chess, football/soccer, hiking, cycling, swimming, the
        mountains, the sea/the ocean, detective stories/crime stories, poetry""",
    "healthy": """regular exercise/physical activity, a diet rich in vegetables, enough sleep/sufficient
        sleep, green tea, eating fish, walking every day, a glass of milk a day""",
    "disease": "heart disease, diabetes, high blood pressure, depression, stroke, back pain, memory loss",
    "event": """match/game, concert, parade, wedding, flight, conference, lecture/talk, garden party, boat
        race, open-air cinema/outdoor cinema""",
    "trouble": """heavy rain/torrential rain, a power failure/a blackout, a strike/a walkout, a storm,
        thick fog/dense fog, a lack of money/a shortage of money, icy roads""",
    "crash": "bus/coach, train, ferry, small plane/light aircraft, truck/lorry, van",
    "harm": "injured/hurt, trapped",
    "scheme": """build a new bridge, close the old library, widen the main road/broaden the main road,
        plant a thousand trees, open a second hospital, ban cars from the center, tear down the old
        theater/demolish the old theater""",
    "language": "Spanish, Swahili, Hungarian, Portuguese, Korean, Arabic, Norwegian, Greek",
    "good": "ticket, bicycle/bike, jacket, laptop/notebook computer, guitar, monthly pass, meal, lamp",
    "amenity": """pharmacy/drugstore, bank, post office, bus stop, hospital, gas station/filling station,
        bookstore/bookshop""",
    "trend": """road accidents, smokers, visitors/tourists, unemployed people/people without work,
        electric cars, young farmers, cases of flu""",
    "software": "browser, photo editor, chat app, word processor, music player, map app, game",
    "mishap": """opens a large file, changes the language, prints a page, connects a camera, plays a
        video, saves a picture""",
    "skill": "cook, swim, play the piano, drive a car, speak in public, write computer programs, paint",
    "creature": "dogs, cats, horses, spiders, bees, birds, snakes, mice",
    "plan": """study medicine, move to the coast, open a restaurant, learn to fly, travel around the
        world, start a company/found a company, retire early""",
}
