"""Columns of real exports are known by their documented headers, and protected ones by any name."""

import pytest

from connectors.columns import IGNORE, guess, is_protected, plain
from connectors.errors import Misconfigured

GOOGLE_OLD = [
    "Name",
    "Given Name",
    "Additional Name",
    "Family Name",
    "Yomi Name",
    "Given Name Yomi",
    "Additional Name Yomi",
    "Family Name Yomi",
    "Name Prefix",
    "Name Suffix",
    "Initials",
    "Nickname",
    "Short Name",
    "Maiden Name",
    "Birthday",
    "Gender",
    "Location",
    "Billing Information",
    "Directory Server",
    "Mileage",
    "Occupation",
    "Hobby",
    "Sensitivity",
    "Priority",
    "Subject",
    "Notes",
    "Language",
    "Photo",
    "Group Membership",
    "E-mail 1 - Type",
    "E-mail 1 - Value",
    "E-mail 2 - Type",
    "E-mail 2 - Value",
    "Phone 1 - Type",
    "Phone 1 - Value",
    "Address 1 - Type",
    "Address 1 - Formatted",
    "Address 1 - Street",
    "Address 1 - City",
    "Address 1 - PO Box",
    "Address 1 - Region",
    "Address 1 - Postal Code",
    "Address 1 - Country",
    "Address 1 - Extended Address",
    "Organization 1 - Type",
    "Organization 1 - Name",
    "Organization 1 - Yomi Name",
    "Organization 1 - Title",
    "Organization 1 - Department",
    "Website 1 - Type",
    "Website 1 - Value",
]
GOOGLE_NEW = [
    "First Name",
    "Middle Name",
    "Last Name",
    "Phonetic First Name",
    "Phonetic Middle Name",
    "Phonetic Last Name",
    "Name Prefix",
    "Name Suffix",
    "Nickname",
    "File As",
    "Organization Name",
    "Organization Title",
    "Organization Department",
    "Birthday",
    "Notes",
    "Photo",
    "Labels",
    "E-mail 1 - Label",
    "E-mail 1 - Value",
    "E-mail 2 - Label",
    "E-mail 2 - Value",
    "Phone 1 - Label",
    "Phone 1 - Value",
    "Address 1 - Label",
    "Address 1 - Formatted",
    "Address 1 - City",
    "Address 1 - Country",
    "Website 1 - Label",
    "Website 1 - Value",
]
OUTLOOK = [
    "Title",
    "First Name",
    "Middle Name",
    "Last Name",
    "Suffix",
    "Company",
    "Department",
    "Job Title",
    "Business Street",
    "Business City",
    "Home Street",
    "Home City",
    "Home State",
    "Home Postal Code",
    "Home Country/Region",
    "Business Phone",
    "Home Phone",
    "Mobile Phone",
    "Anniversary",
    "Birthday",
    "Categories",
    "Children",
    "E-mail Address",
    "E-mail Type",
    "E-mail Display Name",
    "E-mail 2 Address",
    "Gender",
    "Government ID Number",
    "Language",
    "Notes",
    "Spouse",
    "Web Page",
]
HUBSPOT = [
    "Record ID",
    "First Name",
    "Last Name",
    "Email",
    "Phone Number",
    "Contact owner",
    "Lead Status",
    "Create Date",
    "City",
    "Job Title",
]
LINKEDIN = ["First Name", "Last Name", "URL", "Email Address", "Company", "Position", "Connected On"]


@pytest.mark.parametrize(
    ("headers", "expected", "dropped"),
    [
        (
            GOOGLE_OLD,
            {
                "Name": "full_name",
                "Given Name": "first_name",
                "Family Name": "last_name",
                "E-mail 1 - Value": "email",
                "E-mail 2 - Value": "email",
                "E-mail 1 - Type": "email_label",
                "Phone 1 - Value": "phone",
                "Organization 1 - Name": "company",
                "Organization 1 - Title": "title",
                "Address 1 - City": "city",
                "Group Membership": "tags",
                "Website 1 - Value": "url",
            },
            {"Birthday", "Gender", "Photo"},
        ),
        (
            GOOGLE_NEW,
            {
                "First Name": "first_name",
                "Last Name": "last_name",
                "Organization Name": "company",
                "Organization Title": "title",
                "E-mail 1 - Value": "email",
                "E-mail 1 - Label": "email_label",
                "Phone 1 - Value": "phone",
                "Labels": "tags",
            },
            {"Birthday", "Photo"},
        ),
        (
            OUTLOOK,
            {
                "First Name": "first_name",
                "Last Name": "last_name",
                "Company": "company",
                "Job Title": "title",
                "E-mail Address": "email",
                "E-mail 2 Address": "email",
                "Mobile Phone": "phone",
                "Home City": "city",
                "Home Country/Region": "country",
                "Categories": "tags",
            },
            {"Birthday", "Gender", "Spouse", "Children", "Anniversary", "Government ID Number"},
        ),
        (
            HUBSPOT,
            {"First Name": "first_name", "Email": "email", "Phone Number": "phone", "Create Date": "created_at"},
            set(),
        ),
        (
            LINKEDIN,
            {"URL": "url", "Email Address": "email", "Company": "company", "Position": "title"},
            set(),
        ),
    ],
    ids=["google old", "google new", "outlook", "hubspot", "linkedin"],
)
def test_documented_exports(headers, expected, dropped):
    mapping = guess(headers)
    assert expected.items() <= mapping.columns.items()
    assert set(mapping.dropped) == dropped
    assert set(mapping.told()) == set(headers), "every column is accounted for"


@pytest.mark.parametrize("header", ["SSN", "soc_sec_id", "National ID", "employeeId", "Personalnummer", "Student no."])
def test_numbers_of_people_are_read_where_nothing_is_stored(header):
    headers = ["Email", header]
    assert guess(headers, storing=False).columns == {"Email": "email", header: "person_number"}
    assert guess(headers, [], {header: IGNORE}, storing=False).columns == {"Email": "email"}
    assert guess(headers).columns == {"Email": "email"}, "never taken into a pool by guess"


@pytest.mark.parametrize("header", ["Candidate ID", "Applicant number", "ID", "Record ID"])
def test_numbers_of_records_are_no_numbers_of_people(header):
    assert guess(["Email", header], storing=False).columns == {"Email": "email"}


@pytest.mark.parametrize("header", ["SSN", "soc_sec_id", "Passport number", "Codice fiscale"])
def test_numbers_of_authorities_are_never_stored(header):
    assert guess(["Email", header]).dropped == (header,)
    with pytest.raises(Misconfigured, match="protected"):
        guess(["Email", header], [], {header: "person_number"})
    assert guess(["Email", header], [], {header: "person_number"}, storing=False).columns[header] == "person_number"


def test_a_salutation_is_no_job_title():
    assert "Title" not in guess(OUTLOOK).columns
    assert guess(["Name", "Title"]).columns["Title"] == "title"


def test_phonetic_names_and_lead_statuses_are_not_read():
    assert {"Given Name Yomi", "Yomi Name", "Maiden Name"} <= set(guess(GOOGLE_OLD).unread)
    assert {"Phonetic First Name", "Middle Name"} <= set(guess(GOOGLE_NEW).unread)
    assert "Lead Status" in guess(HUBSPOT).unread


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ("given_name,surname,suburb,postcode", "first_name,last_name,city,postal_code"),
        ("Vorname,Nachname,E-Mail,Telefon,PLZ,Ort", "first_name,last_name,email,phone,postal_code,city"),
        ("Vorname,Name,E-Mail", "first_name,last_name,email"),
        ("Prénom,Nom,Téléphone,Ville", "first_name,last_name,phone,city"),
        ("Nombre,Apellidos,Correo electrónico", "first_name,last_name,email"),
        ("Name,Email", "full_name,email"),
        ("Nom,Courriel", "full_name,email"),
        ("Nombre,Teléfono", "full_name,phone"),
        ("firstName,lastName,emailAddress,phoneNumber", "first_name,last_name,email,phone"),
        (
            "Candidate Name,Job Title,Date Applied,Stage,Outcome,Source",
            "full_name,title,applied_at,stage,outcome,source",
        ),
    ],
)
def test_headers_of_other_tools_and_languages(headers, expected):
    assert list(guess(headers.split(",")).columns.values()) == expected.split(",")


def test_a_status_means_an_application_only_beside_other_signs_of_one():
    assert "Status" not in guess(["Email", "Status", "Source"]).columns
    assert guess(["Email", "Status", "Applied"]).columns["Status"] == "status"


def test_cells_speak_where_headers_do_not():
    rows = [["7", "ada@example.com", "https://www.linkedin.com/in/ada"], ["8", "bo@example.org", ""]]
    assert guess(["a", "b", "c"], rows).columns == {"b": "email", "c": "url"}
    assert guess(["a", "b", "c"], [["7", "none", "x"]]).columns == {}


def test_what_is_given_goes_before_what_is_guessed():
    given = {"Email": IGNORE, "Contact": "email", "Beiname": "first_name"}
    mapping = guess(["Email", "Contact", "First Name", "Beiname"], [], given)
    assert mapping.columns == {"Contact": "email", "Beiname": "first_name"}
    assert set(mapping.unread) == {"Email", "First Name"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"Mail": "email"}, "no column 'Mail'"),
        ({"Email": "e-mail"}, "cannot be read as 'e-mail'"),
        ({"Gender": "title"}, "protected"),
    ],
)
def test_a_wrong_mapping_is_refused_in_words(given, words):
    with pytest.raises(Misconfigured, match=words):
        guess(["Email", "Gender"], [], given)


@pytest.mark.parametrize(
    "header",
    ["Gender", "date_of_birth", "DOB", "Age", "Geburtsdatum", "Staatsangehörigkeit", "Sexe", "Fecha de nacimiento",
     "Nationality", "Marital Status", "veteranStatus", "Ethnicity/Race", "Photo URL", "Género", "Familienstand"],
)  # fmt: skip
def test_protected_attributes_by_any_name(header):
    assert is_protected(header)
    assert header in guess(["Email", header]).dropped


@pytest.mark.parametrize("header", ["Page", "Language", "Message", "Stage", "Manager", "Essex", "Embrace"])
def test_words_that_only_contain_one_are_not_protected(header):
    assert not is_protected(header)


def test_plain():
    assert plain("E-mail 1 - Value") == "e mail value"
    assert plain("jobTitle") == plain("Job_Title ") == "job title"
    assert plain("Größe") == "grosse"
