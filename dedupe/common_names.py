"""Parts of names that are too frequent to tell anybody, by the census and registry lists of many countries.

Lower-case ASCII, as names are compared. Written down once, so that whether a name is common never depends on the data
at hand.
"""

COMMON_NAMES = frozenset(
    """
    smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson
    anderson thomas taylor moore jackson martin lee perez thompson white harris sanchez clark ramirez lewis robinson
    walker young allen king wright scott torres nguyen hill flores green adams nelson baker hall rivera campbell
    mitchell carter roberts gomez phillips evans turner diaz parker cruz edwards collins reyes stewart morris
    morales murphy cook rogers gutierrez ortiz morgan cooper peterson bailey reed kelly howard ramos kim cox ward
    richardson watson brooks chavez wood james bennett gray mendoza ruiz hughes price alvarez castillo sanders patel
    myers long ross foster jimenez muller schmidt schneider fischer weber meyer wagner becker schulz hoffmann
    schafer koch bauer richter klein wolf bernard dubois durand leroy moreau simon laurent lefebvre michel petit
    rousseau rossi russo ferrari esposito bianchi romano colombo ricci marino greco nowak kowalski wisniewski wojcik
    kowalczyk kaminski lewandowski zielinski silva santos oliveira souza pereira lima costa ferreira almeida jansen
    visser smit meijer bakker dejong vries berg dijk yilmaz kaya demir celik sahin yildiz ozturk aydin arslan dogan
    novak svoboda nagy kovacs toth szabo popescu ionescu ivanov ivanova smirnov petrov petrova kuznetsov popov
    shevchenko kovalenko bondarenko papadopoulos andersson johansson karlsson nilsson eriksson larsson olsson hansen
    olsen larsen andersen nielsen jensen pedersen singh kumar sharma gupta shah khan ali ahmed hussain begum das
    reddy rao iyer nair wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu hu guo he lin gao luo tran le
    pham hoang phan vu vo dang bui do park jeong choi jung kang cho yoon jang lim sato suzuki takahashi tanaka
    watanabe ito yamamoto nakamura kobayashi kato cohen levi mizrahi mohamed hassan ibrahim mahmoud hamid rahman
    mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy sandra ashley emily kimberly
    margaret donna michelle carol amanda melissa deborah stephanie rebecca laura anna maria robert john michael
    david william richard joseph charles christopher daniel matthew anthony mark donald steven andrew paul joshua
    kenneth kevin brian george timothy edward jason jeffrey ryan jacob gary peter hans stefan andreas thomas michael
    wolfgang klaus julia katharina sabine jean pierre philippe marie nathalie isabelle jose juan antonio manuel
    francisco carmen ana giuseppe giovanni marco luca francesca giulia jan piotr krzysztof andrzej agnieszka
    katarzyna anna joao pedro lucas mehmet mustafa ahmet ali fatma ayse emine wei fang min jun lei na yan ying jing
    minh anh linh thi van olga elena natalia tatiana sergey alexander dmitry andrey rahul amit priya sunita mohammed
    muhammad fatima omar yusuf
    """.split()  # noqa: SIM905 - words read better than quotes
)
