"""The names of people and firms in the demo clinic: invented, so that they are not mistaken for real ones."""

from imports.demo.seeded_random import SeededRandom

FIRST_NAMES = (
    "Abigail Alba Amos Anneliese Arlo Aurelia Barnaby Beatrix Benoît Björn Bridget Calliope Cedric Chloë "
    "Clementine Cosmo Dagmar Dashiell Delphine Desmond Dorothea Édith Eleanor Elmo Emeka Esmé Eudora Fabian "
    "Felicity Fergus Fiona Gideon Greta Gulliver Harriet Hector Hedwig Ignatius Imogen Inês Isidora Jarvis Jasper "
    "Jolanta José Juniper Kasimir Keziah Lachlan Lavinia Leopold Ludmila Magnus Marigold Matilda Mirabel Mortimer "
    "Nadia Nehemiah Niamh Octavia Odette Olga Orson Otis Ottilie Penelope Percival Philippa Quentin Ramona "
    "Reginald René Rosalind Rufus Saoirse Sebastian Seraphina Sigrid Silvio Søren Tabitha Thaddeus Theodora "
    "Tobias Ulrika Ursula Valentin Verity Wanda Wendell Winifred Xavier Yara Yolanda Zachary Zelda Zoë"
).split()
_SURNAME_BEGINNINGS = (
    "Amber Apple Bramble Briar Butter Candle Clover Copper Cricket Daisy Feather Fern Fiddle Ginger Hazel Honey "
    "Juniper Kettle Lantern Maple Marble Meadow Mossy Nettle Nutmeg Otter Pebble Pepper Plum Quill Raven Saddle "
    "Silver Sparrow Thimble Thistle Tumble Velvet Walnut Whistle"
).split()
_SURNAME_ENDS = (
    "bank beck bottom bridge brook burrow by croft dale down field ford gate hollow hurst ley lock mere mill more "
    "pool ridge stead ton thorpe wade water well wick worth"
).split()
UNUSUAL_SURNAMES = (
    "O'Fiction",
    "D'Example",
    "Müstermann",
    "Núñez-Sample",
    "van der Nowhere",
    "Ficção",
    "Demo-Smythe",
    "de la Prueba",
    "Mc'Test",
    "Przykładowska",
    "Åhlberg-Placeholder",
    "N'Imaginé",
)
_FIRM_ENDS = ("& Partners", "Law Group", "Injury Lawyers", "LLP", "Legal", "& Daughters")
INSURANCES = (
    "Harbor Light Mutual",
    "Umbrella & Anchor Insurance",
    "First Imaginary Casualty",
    "Prairie Wind Indemnity",
    "Evergreen Example Health",
    "Blue Heron Auto Insurance",
    "Old Lantern Assurance",
    "Fictional Fidelity",
    "Cloudberry Benefit Fund",
    "Northern Nonesuch Insurance",
    "Sunday's Mutual Aid",
    "Compañía de Seguros Ejemplo",
)
FACILITIES = (
    ("Maple Street Imaging", "1.0000"),
    ("Harborview Spine Center", "1.0432"),
    ("Old Mill Outpatient Clinic", "0.9615"),
    ("Lakeside Rehabilitation", "0.9870"),
    ("Uptown Surgical Suites", "1.1200"),
    ("St. Elsewhere's Annex", "1.0525"),
)
STREETS = ("Imaginary Ave", "Placeholder St", "Sample Rd", "Nowhere Ln", "Example Blvd", "Fiction Ct")
TOWNS = ("Springfalls, NY", "East Example, NJ", "Lower Fiction, CT", "Port Nowhere, NY", "Demo Heights, NJ")

# Codes that the postal service gives to nobody.
ZIP_CODES = {town: f"0000{number}" for number, town in enumerate(TOWNS, 1)}


def first_name(random: SeededRandom) -> str:
    """A first name; one in twelve is double, with a hyphen or a space."""
    if random.chance(0.92):
        return random.one_of(FIRST_NAMES)
    return random.one_of(FIRST_NAMES) + random.one_of(("-", " ")) + random.one_of(FIRST_NAMES)


def last_name(random: SeededRandom) -> str:
    """A last name; one in twelve has an apostrophe, an accent, a hyphen or several words."""
    if random.chance(0.08):
        return random.one_of(UNUSUAL_SURNAMES)
    return random.one_of(_SURNAME_BEGINNINGS) + random.one_of(_SURNAME_ENDS)


def person_name(random: SeededRandom) -> str:
    """First and last name in one."""
    return f"{first_name(random)} {last_name(random)}"


def firm_name(random: SeededRandom, partner: str) -> str:
    """A law firm that is named after a partner."""
    return f"{partner} {random.one_of(_FIRM_ENDS)}"


def phone(random: SeededRandom) -> str:
    """A telephone number of the range that is reserved for fiction (555-0100 to 555-0199)."""
    return f"({random.between(201, 989)}) 555-01{random.between(0, 99):02d}"


def address(random: SeededRandom) -> str:
    """A postal address in a fictitious town."""
    return f"{random.between(1, 980)} {random.one_of(STREETS)}, {random.one_of(TOWNS)}"
