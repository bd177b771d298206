"""What models wrap around a description, as patterns; cleaning.py takes it off.

Every repetition in a pattern is bounded, so that no answer costs more than its length.
"""

# ruff: noqa: E501, RUF001 - patterns in many scripts stay whole, and their characters are meant

from __future__ import annotations

import re


def _any_case(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


#: What a description is called, in the languages of the prompts; as a label and in announcements.
_NAMES = (
    r"alt(?:ernative|ernativ)?[\s-]*text|alttext|(?:image|picture|photo) description|description"
    r"|caption|alt|answer|output|(?:bild)?beschreibung|bildtext|(?:texte?|texto|testo) alternati[fv]o?"
    r"|text alternatiu|descripci[óo]n?|descrição|descrizione|descriere(?:a imaginii)?"
    r"|description de l'image|alternatieve tekst|(?:afbeeldings)?beschrijving|alt-?teksti?"
    r"|bil(?:le)?debeskrivelse|beskrivelse|bildbeskrivning|beskrivning|kuva(?:teksti|us)|kuvan kuvaus"
    r"|(?:tekst|opis) alternatywny|opis(?: obrazu| зображення)?|alternativní text|popis(?: obrázku)?"
    r"|alternatív szöveg|(?:kép)?leírás|альтернативн(?:ый|ий) текст|описание(?: изображения)?"
    r"|опис(?: зображення)?|εναλλακτικό κείμενο|περιγραφή(?: εικόνας)?|alternatif metin|alt metin"
    r"|açıklama|văn bản thay thế|mô tả(?: hình ảnh)?|teks alternatif|deskripsi(?: gambar)?"
    r"|alternativa teksto|priskribo|ordezko testua|代替テキスト|(?:画像の)?説明|대체 텍스트|(?:이미지 )?설명"
    r"|替代(?:文本|文字)|(?:图片|圖片|图像)?(?:描述|說明|说明)|النص البديل|نص بديل|وصف(?: الصورة)?|متن جایگزین"
    r"|توضیحات?(?: تصویر)?|טקסט חלופי|תיאור(?: התמונה)?|वैकल्पिक पाठ|विवरण|ข้อความ(?:แสดงแทน|ทดแทน)|คำ(?:อธิบาย|บรรยาย)(?:ภาพ)?"
)
_COLON = r"\s?[:\uff1a]"
_YES = (
    r"sure(?: thing)?|certainly|of course|okay|ok|absolutely|gerne|natürlich|selbstverständlich|klar"
    r"|bien sûr|claro(?: que sí)?|por supuesto|certo|certamente|natuurlijk|oczywiście|jasne|конечно"
    r"|звичайно|selvfølgelig|självklart|toki|tabii|もちろん(?:です)?|물론(?:입니다|이죠)?|当然(?:可以)?|好的|當然"
)
_HERE = (
    r"here(?:'s|\u2019s| is| are)|below is|below are|the following is|this is|hier ist|hier sind|voici"
    r"|aquí (?:está|tienes)|ecco|aqui está|hier is|oto|вот|ось|her er|här är|tässä on|işte|đây là"
    r"|berikut|以下は|以下是|下面是|這是|这是|다음은"
)
_LABEL = rf"^(?:{_NAMES})(?:\s?\([^()\n]{{0,60}}\))?{_COLON}\s*"
#: A label at the beginning of a text that a person sent.
LABEL = _any_case(_LABEL)
#: Labels and announcements at the beginning, and what is left of a label that stood alone.
PREFIXES = tuple(
    _any_case(pattern)
    for pattern in (
        _LABEL,
        rf"^(?:{_NAMES})\s*\n+",
        (
            rf"^¡?(?:(?:{_YES})[!,.！，。]?\s*)?(?:{_HERE})[^:\uff1a\n]{{0,80}}?(?:{_NAMES})"
            rf"[^:\uff1a\n]{{0,80}}{_COLON}\s*"
        ),
        rf"^¡?(?:{_YES})\s?[!.！。]\s*",
        (
            r"^(?:as requested,? |based on (?:the|this|your) (?:image|picture|photo),? )?"
            r"(?:(?:here(?:'s|\u2019s| is)|the|an?|my|one)\s){0,2}"
            r"(?:(?:suggested|possible|suitable|good|appropriate|proposed|concise|brief|detailed|short|final)\s)?"
            r"(?:alt[ -]?text|(?:image |picture )?description)(?: (?:for|of) (?:this|the|your) (?:image|picture|photo))?"
            r"(?: (?:is|would be|could be|might be|follows))?\s?(?::| - )\s?"
        ),
        r"^(?:here you go|i(?:'d| would|\u2019d) describe (?:this|the|it)(?: image| picture)? as)\s?:\s?",
        r"^(?:assistant|ai)\s?:\s*",
    )
)
#: What models say before JSON.
JSON_IS = _any_case(
    rf"^(?:(?:{_YES}|{_HERE})\b[^\n{{\[]{{0,160}}[:\uff1a!.]|json\s?:?|(?:{_NAMES}){_COLON})\s*(?=[{{\[]\s*[{{\"\[])"
)
LINK = re.compile(r"!?\[([^\[\]\n]{0,1000})\]\([^()\s]{1,1000}\)")
MARKDOWN = (
    (re.compile(r"^#{1,6}\s+", re.MULTILINE), ""),
    (re.compile(r"\*\*(?=\S)([^*]{1,2000})(?<=\S)\*\*"), r"\1"),
    (re.compile(r"(?<!\w)__(?=\S)([^_]{1,400} [^_]{1,400})(?<=\S)__(?!\w)"), r"\1"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]{1,1000})(?<=\S)\*(?![\w*])"), r"\1"),
    (LINK, r"\1"),
    (re.compile(r"^(?:[ \t]{0,8}[-*•][ \t]+)+", re.MULTILINE), ""),
    (re.compile(r"^[-*_]{3,60}$", re.MULTILINE), ""),
)
#: Marks of chat templates that leak into answers; the first kind ends what was said.
TURN_END = _any_case(
    r"<\|(?:im_end|eot_id|eom_id|end|endoftext|return|end_of_text|eos)\|>|<end_of_(?:turn|utterance)>"
    # Behind a colon, a chat that the picture shows is quoted line by line.
    r"|</s>|<eos>|(?<![:\uff1a\s])\s{0,9}\n(?:user|human|用户)\s?:"
)
TURN_BEGIN = _any_case(
    r"(?:<\|(?:im_start|start)\|>|<\|start_header_id\|>|<start_of_turn>)\s?(?:system|user|assistant|model)?"
    r"(?:<\|end_header_id\|>)?\s*"
)
TEMPLATE = _any_case(
    r"<\|[^|<>\n]{1,40}\|>|</?s>|<(?:eos|bos|pad|unk|image|img|fim_\w{1,9})>|\[/?INST\]|<<?/?SYS>?>"
)
#: A conversation that the model writes down, ours included. A user's turn alone is no description;
#: "Human: a skeleton" may be one.
CONVERSATION = _any_case(r"^(?:(?P<user>user)|human|question|prompt|system)\s?:")
ASSISTANT = _any_case(r"(?:^|\s)(?:assistant|answer|model|ai)\s?:\s*")
#: Where models that point at things say where; what is pointed at stays. In single brackets, four
#: numbers may as well be what a picture shows.
COORDINATES = _any_case(
    r"<loc\d{1,4}>|<(?P<kind>box|bbox|quad|point|poly)>[^<>]{0,300}</(?P=kind)>"
    r"|<\|(?P<token>box|quad)_start\|>[^<>]{0,300}<\|(?P=token)_end\|>"
    r"|\[\[\d{1,4}(?:\.\d{1,6})?(?:,\s?\d{1,4}(?:\.\d{1,6})?){3}\]\]"
    r"|</?(?:ref|box|obj|object|phrase|grounding|delimiter_of_multi_objects)\s?/?>"
)
IMG = _any_case(
    r"<img\b[^<>]{0,400}?\balt\s?=\s?(?:\"(?P<alt>[^\"<>]{1,3000})\"|'(?P<alt2>[^'<>]{1,3000})')"
)
TAGS = _any_case(
    r"</?(?:p|br|b|i|u|a|em|strong|span|div|ul|ol|li|h[1-6]|html|body|figure|figcaption|font|small|center"
    r"|alt|text|caption|description|answer|image|img)\b[^<>]{0,300}>"
)
ENTITY = _any_case(r"&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z]{2,8}\d{0,2});")
#: Escapes of JSON and programs that stand in a text as they were written.
ESCAPED_CHARACTER = _any_case(r"(?<!\\)\\u(?!d[89a-f])([\da-f]{4})")
ESCAPED_LINE = re.compile(r"(?<![\w\\:])\\n|(?<=[.!?。])\\n|\\n(?=[A-ZÀ-Þ\\])")
_OPTIONS = (
    r"options|versions|alternatives|suggestions|variations|possibilities|optionen|varianten|vorschläge"
    r"|propositions|opciones|opzioni|opções|opties|opcje|вариант\w*|варіант\w*"
)
#: Several descriptions to choose from: an announcement, and where the first begins and ends.
CHOICE = _any_case(
    rf"^(?:(?:{_YES})[!,.！，。]?\s?)?(?:{_HERE}|\w+ (?={_OPTIONS}\b))[^\n:\uff1a]{{0,80}}"
    rf"(?:\b(?:{_OPTIONS})\b|選択肢|选项|版本|候補)[^\n:\uff1a]{{0,80}}[:\uff1a]"
    r"|^\W{0,4}(?:option|version|alternative|variante?|opción|opzione|opção|вариант|選択肢|选项)\s?"
    r"(?:1|one|a|一)\b\s?(?:\([^()\n]{0,40}\))?\W{0,4}[:：.](?!\d)"
)
CHOICES = _any_case(
    r"(?:^|(?<=\s))\W{0,4}(?:(?:option|version|alternative|variante?|opción|opzione|opção|вариант|選択肢|选项)\s?"
    r"(?:\d|one|two|three|[abc一二三])\b(?:\s?\([^()\n]{0,40}\))?\W{0,4}|\d[.)]\W{1,4})"
)
#: A form that the model filled in: its fields, the best first.
FIELDS = ("alt text", "alt", "alttext", "description", "caption", "image description")
FIELD = _any_case(
    r"(?:^|(?<=\s))\W{0,3}(?P<name>alt[ -]?text|alt|title|(?:image )?description|caption|keywords|tags|subject"
    r"|objects|colou?rs|mood|setting|style|category|hashtags|summary)\W{0,3}:\W{0,3}\s?"
)
#: Sentences to the person who asked, from which on nothing is about the picture.
OFFER = _any_case(
    r"^\W*(?:let me know|i hope (?:this|that|it)|would you like (?:me|a|an|another|any|more|to|help"
    r"|it)\b|do you (?:want|need) (?:me|a longer|a shorter|another|anything|more)\b|feel free to"
    r"|is there anything (?:else|specific)|if you(?:'d| would)? (?:like|need|want|have)\b.{0,60}\b(?:i can|let me"
    r"|just|please|feel)|(?:shall|should) i (?:\w+ )?(?:add|describe|expand|give|include|make|provide|rewrite|shorten|translate|write)|can i help|how can i (?:help|assist)|please let me know"
    r"|i can also (?:provide|write|make)|möchte(?:st|n) (?:du|sie)|soll ich|lass(?:en sie)? (?:es )?mich wissen"
    r"|wenn (?:du|sie) (?:möchte|willst|wollen)|souhaitez-vous|voulez-vous|n'hésitez pas|dites-moi si"
    r"|[¿]?(?:quieres|te gustaría|desea|quiere|deseas) (?:que|una|otra)|espero que|dime si|avísame|vuoi che"
    r"|vuole che|fammi sapere|spero che|gostaria (?:que|de)|quer que|wil je|wilt u|laat (?:het )?me weten"
    r"|czy chcesz|daj znać|хотите|дайте знать|если (?:вам )?(?:нужно|хотите)|чи бажаєте|vil du (?:have|ha)"
    r"|vill du ha|haluatko|ister misiniz|如果(?:您|你)?(?:需要|想|有)|需要我|希望(?:这|對|对)|他に(?:何か)?(?:ご|お手伝い|知りたい|必要)|さらに詳しい|필요하시면"
    r"|더 자세한 설명이 필요)"
)
#: Remarks that are such only on a line of their own.
NOTE = _any_case(
    r"^\W*(?:(?:word|character) count|please note|note\W{0,4}:|\d+ characters\W*$"
    r"|this (?:alt[- ]?text|description|text|caption) (?:is (?:about|concise|short|under|within|\d)|\w+ly\b"
    r"|aims|avoids|captures|conveys|describes|focuses|follows|gives|includes|keeps|meets|provides|uses)"
    r"|hinweis:|anmerkung:|remarque\s?:|nota:|opmerking:|примечание:|注[:：]|explanation:"
    r"|why this works|(?:key )?(?:details|elements) (?:included|mentioned)|keywords:|tags:"
    r"|(?:explanation|rationale|notes?|keywords|tags|hashtags|why this works)\W*$)"
)
COUNT = _any_case(
    r"\s?[(\[]\s?(?:\d+ ?(?:characters?|chars?|zeichen|caractères|caracteres|words)|character count: \d+)\s?[)\]]\s?$"
)
#: What programs and templates put where nobody has written a text, as a whole.
PLACEHOLDER = _any_case(
    r"\W*(?:(?:no|missing|add|insert|write|enter|your)(?: an?| the| your)? (?:(?:image|photo|picture|alt) ?)?"
    r"(?:description|alt[- ]?text|caption)(?: here| available| provided| yet)?"
    r"|(?:(?:image|photo|picture) )?(?:description|alt[- ]?text) (?:is )?(?:not available|unavailable|missing)"
    r"|(?:todo|tbd|fixme)\b.{0,80}|lorem ipsum\b.*|keine? (?:bild)?beschreibung(?: vorhanden| verfügbar)?"
    r"|(?:pas de|sans) description(?: disponible)?|sin descripción|説明(?:なし|はありません))\W*"
)
#: What is said about the task or to the person who asked, wherever it stands; it may be meant.
REMARK = _any_case(
    r"\bi (?:should|need to|must|have to|will|would|could) (?:keep|write|describe|mention|avoid|include"
    r"|focus|say)\b|\bthe (?:user|prompt|instructions?) (?:says?|wants?|asks?)\b|\bas requested\b"
    r"|\b(?:i )?hope (?:this|that|it) helps\b|\blet me know if\b|\bfeel free to\b"
    r"|\b(?:this|the|an?|suitable) alt[ -]text (?:is|was|for|would|could|describes|provides)\b"
    r"|\bthis (?:description|caption) (?:is|was|captures|provides)\b|\bbased on the (?:image|picture)\b"
    r"|\bich (?:sollte|muss) (?:\w+ ){0,4}(?:beschreiben|schreiben|erwähnen)\b|\bder nutzer möchte\b"
)
