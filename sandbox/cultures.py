"""What differs from culture to culture: cities, phones, time zones, languages, and how names are built.

Name lists come from Faker's locale providers; where Faker has no romanised form, pairs are written out here.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Culture:
    """One culture. `phone` is (country code, national prefix written at home, leading digits, further digits)."""

    key: str
    weight: float
    country: str
    language: str
    time_zone: str
    cities: tuple[str, ...]
    phone: tuple[str, str, tuple[str, ...], int]
    family_first: bool = False
    native_script: bool = False
    two_family_names: bool = False


_US_AREAS = (  # noqa: SIM905 - words read better than quotes
    "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 "
    "251 252 253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 "
    "317 318 319 320 321 323 330 334 336 337 347 351 352 360 361 386 401 402 404 405 406 407 408 409 410 412 "
    "413 414 415 417 419 423 424 425 432 434 435 440 443 469 478 479 480 484 501 502 503 504 505 507 508 509 "
    "510 512 513 515 516 517 518 520 530 540 541 551 559 561 562 563 570 571 573 574 580 585 586 601 602 603 "
    "605 606 607 608 609 610 612 614 615 616 617 618 619 620 623 626 630 631 636 641 646 650 651 660 661 662 "
    "678 682 701 702 703 704 706 707 708 712 713 714 715 716 717 718 719 720 724 727 731 732 734 740 754 757 "
    "760 763 765 770 772 773 775 781 785 786 801 802 803 804 805 806 808 810 812 813 814 815 816 817 818 828 "
    "830 831 832 843 845 847 848 850 856 857 858 859 860 862 863 864 865 870 901 903 904 906 907 908 909 910 "
    "912 913 914 915 916 917"
).split()

CULTURES = (
    Culture(
        "en_US",
        0.34,
        "US",
        "en",
        "America/New_York",
        (
            "New York",
            "Chicago",
            "Los Angeles",
            "Austin",
            "Boston",
            "Seattle",
            "Denver",
            "Atlanta",
            "San Francisco",
            "Philadelphia",
            "Portland",
            "Columbus",
            "Nashville",
            "Raleigh",
            "Minneapolis",
            "St. Louis",
        ),
        # the exchange 555 belongs to nobody
        ("+1", "", tuple(area + "555" for area in _US_AREAS), 4),
    ),
    Culture(
        "de_DE",
        0.12,
        "DE",
        "de",
        "Europe/Berlin",
        (
            "Berlin",
            "München",
            "Hamburg",
            "Köln",
            "Frankfurt am Main",
            "Düsseldorf",
            "Stuttgart",
            "Leipzig",
            "Nürnberg",
            "Zürich",
        ),
        ("+49", "0", ("1511", "1520", "1573", "1762"), 7),
    ),
    Culture(
        "fr_FR",
        0.07,
        "FR",
        "fr",
        "Europe/Paris",
        ("Paris", "Lyon", "Marseille", "Toulouse", "Nantes", "Lille", "Bordeaux", "Montréal"),
        ("+33", "0", ("61", "66", "74"), 7),
    ),
    Culture(
        "es_ES",
        0.09,
        "ES",
        "es",
        "Europe/Madrid",
        ("Madrid", "Barcelona", "Valencia", "Sevilla", "Málaga", "Bilbao", "Ciudad de México", "Bogotá"),
        ("+34", "", ("61", "62", "65"), 7),
        two_family_names=True,
    ),
    Culture(
        "it_IT",
        0.05,
        "IT",
        "it",
        "Europe/Rome",
        ("Milano", "Roma", "Torino", "Bologna", "Napoli", "Firenze"),
        ("+39", "", ("333", "347", "349"), 7),
    ),
    Culture(
        "pl_PL",
        0.05,
        "PL",
        "pl",
        "Europe/Warsaw",
        ("Warszawa", "Kraków", "Wrocław", "Gdańsk", "Poznań", "Łódź"),
        ("+48", "", ("51", "60", "69"), 7),
    ),
    Culture(
        "tr_TR",
        0.03,
        "TR",
        "tr",
        "Europe/Istanbul",
        ("İstanbul", "Ankara", "İzmir", "Bursa"),
        ("+90", "0", ("532", "542", "505"), 7),
    ),
    Culture(
        "nl_NL",
        0.05,
        "NL",
        "nl",
        "Europe/Amsterdam",
        ("Amsterdam", "Rotterdam", "Utrecht", "Eindhoven", "Den Haag", "Groningen"),
        ("+31", "0", ("61", "62", "65"), 7),
    ),
    Culture(
        "en_IN",
        0.07,
        "IN",
        "en",
        "Asia/Kolkata",
        ("Bengaluru", "Mumbai", "Delhi", "Hyderabad", "Pune", "Chennai"),
        ("+91", "0", ("981", "990", "888"), 7),
    ),
    Culture(
        "vi_VN",
        0.02,
        "VN",
        "vi",
        "Asia/Ho_Chi_Minh",
        ("Hà Nội", "Thành phố Hồ Chí Minh", "Đà Nẵng"),
        ("+84", "0", ("91", "93", "98"), 7),
        family_first=True,
    ),
    Culture(
        "zh_CN",
        0.03,
        "CN",
        "zh",
        "Asia/Shanghai",
        ("Shanghai", "Beijing", "Shenzhen", "Hangzhou"),
        ("+86", "", ("1381", "1391", "1590"), 7),
        family_first=True,
        native_script=True,
    ),
    Culture(
        "ja_JP",
        0.015,
        "JP",
        "ja",
        "Asia/Tokyo",
        ("Tokyo", "Osaka", "Fukuoka"),
        ("+81", "0", ("901", "801"), 7),
        family_first=True,
        native_script=True,
    ),
    Culture(
        "ko_KR",
        0.015,
        "KR",
        "ko",
        "Asia/Seoul",
        ("Seoul", "Busan", "Incheon"),
        ("+82", "0", ("102", "103", "109"), 7),
        family_first=True,
        native_script=True,
    ),
    Culture(
        "ar",
        0.025,
        "AE",
        "ar",
        "Asia/Dubai",
        ("Dubai", "Abu Dhabi", "Cairo", "Beirut"),
        ("+971", "0", ("50", "52", "56"), 7),
        native_script=True,
    ),
    Culture(
        "ru_RU",
        0.015,
        "KZ",
        "ru",
        "Asia/Almaty",
        ("Almaty", "Tbilisi", "Berlin", "Belgrade"),
        ("+7", "8", ("701", "702", "777"), 7),
        native_script=True,
    ),
    Culture(
        "uk_UA",
        0.02,
        "UA",
        "uk",
        "Europe/Kyiv",
        ("Kyiv", "Lviv", "Odesa", "Warszawa"),
        ("+380", "0", ("50", "67", "93"), 7),
        native_script=True,
    ),
    Culture(
        "el_GR",
        0.01,
        "GR",
        "el",
        "Europe/Athens",
        ("Athens", "Thessaloniki", "Patras"),
        ("+30", "", ("694", "697", "693"), 7),
        native_script=True,
    ),
    Culture(
        "he_IL",
        0.01,
        "IL",
        "he",
        "Asia/Jerusalem",
        ("Tel Aviv", "Haifa", "Jerusalem"),
        ("+972", "0", ("52", "54", "58"), 7),
        native_script=True,
    ),
)

BY_KEY = {culture.key: culture for culture in CULTURES}

ARABIC_GIVEN = (
    ("محمد", ("Mohammed", "Muhammad", "Mohamed", "Mohammad")),
    ("أحمد", ("Ahmed", "Ahmad")),
    ("علي", ("Ali", "Aly")),
    ("عمر", ("Omar", "Umar", "Omer")),
    ("يوسف", ("Youssef", "Yusuf", "Yousef", "Yousuf")),
    ("خالد", ("Khaled", "Khalid")),
    ("حسن", ("Hassan", "Hasan")),
    ("حسين", ("Hussein", "Husain", "Hussain")),
    ("إبراهيم", ("Ibrahim", "Ebrahim")),
    ("مصطفى", ("Mustafa", "Mostafa", "Moustafa")),
    ("عبد الله", ("Abdullah", "Abdallah", "Abdulla")),
    ("عبد الرحمن", ("Abdulrahman", "Abdelrahman", "Abd al-Rahman")),
    ("فاطمة", ("Fatima", "Fatma", "Fatimah")),
    ("عائشة", ("Aisha", "Aysha", "Aicha")),
    ("مريم", ("Maryam", "Mariam", "Miriam")),
    ("ليلى", ("Layla", "Leila", "Laila")),
    ("نور", ("Nour", "Noor", "Nur")),
    ("سارة", ("Sara", "Sarah")),
    ("هند", ("Hind", "Hend")),
    ("زينب", ("Zainab", "Zeinab", "Zaynab")),
    ("سعيد", ("Saeed", "Said", "Saied")),
    ("طارق", ("Tariq", "Tarek", "Tareq")),
    ("كريم", ("Karim", "Kareem")),
    ("رانيا", ("Rania", "Raniya")),
    ("سامي", ("Sami", "Samy")),
    ("ياسمين", ("Yasmin", "Yasmine", "Yasmeen")),
)
ARABIC_FAMILY = (
    ("المنصوري", ("Al Mansoori", "Al-Mansouri", "Almansoori")),
    ("الهاشمي", ("Al Hashimi", "Al-Hashemi", "Alhashmi")),
    ("النجار", ("Al Najjar", "El Naggar", "Alnajjar")),
    ("حداد", ("Haddad", "Hadad")),
    ("خوري", ("Khoury", "Khouri", "Khuri")),
    ("منصور", ("Mansour", "Mansur")),
    ("سليمان", ("Suleiman", "Sulaiman", "Soliman")),
    ("عبد القادر", ("Abdelkader", "Abdul Qader", "Abd al-Qadir")),
    ("العلي", ("Al Ali", "Al-Ali", "Alali")),
    ("الشامسي", ("Al Shamsi", "Alshamsi")),
    ("فرج", ("Farag", "Faraj")),
    ("قاسم", ("Qasim", "Kassem", "Kasem")),
    ("الزهراني", ("Al Zahrani", "Alzahrani")),
    ("الغامدي", ("Al Ghamdi", "Alghamdi")),
    ("شاهين", ("Shaheen", "Chahine")),
    ("بكر", ("Bakr", "Baker")),
    ("درويش", ("Darwish", "Darwich")),
    ("صالح", ("Saleh", "Salih")),
    ("عثمان", ("Osman", "Othman", "Uthman")),
    ("المصري", ("El Masry", "Al Masri", "Elmasry")),
)
HEBREW_GIVEN = (
    ("דוד", ("David",)),
    ("יוסי", ("Yossi", "Yosi")),  # noqa: RUF001 - Hebrew is what it is
    ("משה", ("Moshe",)),
    ("אבי", ("Avi",)),
    ("יעל", ("Yael",)),
    ("נועה", ("Noa", "Noah")),
    ("תמר", ("Tamar",)),
    ("איתן", ("Eitan", "Etan")),
    ("רחל", ("Rachel", "Rahel")),
    ("שירה", ("Shira",)),
    ("אורי", ("Uri", "Ori")),
    ("דניאל", ("Daniel",)),
    ("מיכל", ("Michal",)),
    ("עומר", ("Omer",)),
    ("גיל", ("Gil",)),
    ("חנה", ("Hanna", "Chana")),
)
HEBREW_FAMILY = (
    ("כהן", ("Cohen", "Kohen")),
    ("לוי", ("Levi", "Levy")),
    ("מזרחי", ("Mizrahi", "Mizrachi")),
    ("פרץ", ("Peretz", "Perez")),
    ("ביטון", ("Biton", "Bitton")),
    ("אברהם", ("Avraham", "Abraham")),
    ("פרידמן", ("Friedman", "Fridman")),
    ("שפירא", ("Shapira", "Schapira")),
    ("בן דוד", ("Ben David", "Ben-David")),
    ("כץ", ("Katz",)),
    ("גולדשטיין", ("Goldstein", "Goldshtein")),
    ("חדד", ("Hadad", "Haddad")),
    ("ברק", ("Barak",)),
    ("שגב", ("Segev",)),
)
KOREAN_FAMILY = (
    ("김", ("Kim", "Gim")),
    ("이", ("Lee", "Yi", "Rhee")),
    ("박", ("Park", "Bak", "Pak")),
    ("최", ("Choi", "Choe")),
    ("정", ("Jung", "Jeong", "Chung")),
    ("강", ("Kang", "Gang")),
    ("조", ("Cho", "Jo")),
    ("윤", ("Yoon", "Yun")),
    ("장", ("Jang", "Chang")),
    ("임", ("Lim", "Im")),
    ("한", ("Han",)),
    ("신", ("Shin", "Sin")),
    ("권", ("Kwon",)),
    ("황", ("Hwang",)),
    ("송", ("Song",)),
    ("류", ("Ryu", "Yoo")),
)
