"""How a model calls itself when it refuses: "as an AI", in each language that the prompts offer.

Others are called so too: somebody is dressed as an AI, a picture is marked as one. It is a refusal
only where a first person speaks in the same sentence.
"""

# ruff: noqa: E501, RUF001 - patterns in many scripts stay whole, and their characters are meant

from __future__ import annotations

from types import MappingProxyType

#: By language: the pattern of the name, and that of a first person. In Italian, Vietnamese, Basque
#: and Romanian small letters make another word of it.
AS_A_MODEL = MappingProxyType(
    {
        "en": (
            (
                r"\bas an? (?:ai|a\.i\.|artificial intelligence|(?:\w+ )?language model|text-based \w+"
                r"|(?:ai|virtual) assistant)(?![-\w])"
            ),
            r"\b(?:i|my|me)\b",
        ),
        "ar": (
            r"(?:بصفتي|باعتباري|كوني|أنا مجرد|أنا) (?:\w+ )?(?:نموذج|ذكاء|مساعد)|كنموذج",
            r"بصفتي|باعتباري|\bأنا\b|يمكنني|أستطيع|استطيع",
        ),
        "ca": (
            r"\bcom a (?:\w+ )?(?:model (?:de|d'|ling)|assistent|intel·ligència artificial|ia\b)",
            r"\b(?:jo|puc|soc|sóc|tinc|veig)\b",
        ),
        "cs": (
            r"\bjako (?:\w+ )?(?:jazykový model|umělá inteligence|ai\b)",
            r"\b(?:já|mi|mám|mohu|můžu|umím|jsem|ne(?:mohu|můžu|dokážu|umím|vidím|mám|jsem))\b",
        ),
        "da": (
            r"\bsom (?:en )?(?:ai|kunstig intelligens|sprogmodel)\b",
            r"\bjeg\b",
        ),
        "de": (
            r"\bals (?:eine? )?(?:ki\b|künstliche intelligenz|sprachmodell)",
            r"\b(?:ich|mir|mich)\b",
        ),
        "el": (
            r"\bως (?:\w+ )?(?:γλωσσικό|μοντέλο|τεχνητή νοημοσύνη|ai)\b",
            r"\b(?:εγώ|μπορώ|είμαι|βλέπω|έχω)\b",
        ),
        "eo": (
            (
                r"\bkiel (?:\w+ )?(?:lingva modelo|lingvomodelo|artefarita intelekto"
                r"|artefarita inteligento|ai)\b"
            ),
            r"\bmi\b",
        ),
        "es": (
            (
                r"\b(?:como|soy|al ser) (?:una? )?(?:modelo de (?:lenguaje|ia|inteligencia)|ia\b"
                r"|inteligencia artificial|asistente (?:de ia|virtual))"
            ),
            r"\b(?:yo|me|puedo|pude|podría|soy|tengo|veo|debo|estoy)\b",
        ),
        "eu": (
            r"\b(?:hizkuntza[- ]eredu|adimen artifizial|(?-i:IA))\w*(?: bat)? (?:gisa|naiz)",
            r"\b(?:naiz|nik|dut|ditut|dizut)\b",
        ),
        "fa": (
            r"به ?عنوان (?:یک )?(?:مدل|هوش|دستیار)",
            r"\bمن\b|می ?توانم|می ?تونم|هستم|نیستم",
        ),
        "fi": (
            r"\b(?:kieli|teko|ai-?)\w*mallina\b|\btekoälynä\b",
            r"\b(?:minä|minun|en|enkä|olen|voin|pysty)\b",
        ),
        "fr": (
            r"\ben tant qu(?:'|e )(?:\w+ )?(?:ia\b|intelligence artificielle|assistant|modèle)",
            r"\b(?:je|moi|me)\b|\bj'",
        ),
        "gl": (
            r"\bcomo (?:un )?(?:modelo de (?:linguaxe|ia)|ia\b|intelixencia artificial)",
            r"\b(?:eu|podo|puiden|teño|vexo)\b",
        ),
        "he": (
            r"כ(?:מודל (?:שפה|בינה|ai)|בינה מלאכותית|-?ai\b)",
            r"\b(?:אני|אינני|איני|לי)\b",
        ),
        "hi": (
            r"(?:एआई|ai|भाषा मॉडल|कृत्रिम बुद्धिमत्ता)(?: \S+){0,3}? के रूप में",
            r"मैं|मुझे|मेरे",
        ),
        "hu": (
            r"\b(?:nyelvi modell|mesterséges intelligenci|ai)\w*ként",
            r"\b(?:én|nekem|tudo[km]|vagyok|láto[km]|módomban)\b",
        ),
        "id": (
            r"\bsebagai (?:sebuah )?(?:model bahasa|(?:model |asisten )?ai\b|kecerdasan buatan)",
            r"\b(?:saya|aku|kami)\b",
        ),
        "it": (
            (
                r"\b(?:in quanto|come|sono|essendo) (?:un'|una |un |solo )*(?:modello (?:linguistico"
                r"|di linguaggio|di ia)|(?-i:IA|AI)\b|intelligenza artificiale"
                r"|assistente (?:ia|ai|virtuale))"
            ),
            r"\b(?:io|mi|posso|potrei|riesco|vedo|ho|devo)\b",
        ),
        "ja": (
            (
                r"(?:ai|言語モデル|人工知能)(?:アシスタント)?(?:として|なので|であるため|ですので|のため)"
            ),
            r"私|わたし|でき(?:ません|ない|かね)|[られか]れません|わかりません",
        ),
        "ko": (
            (
                r"(?:ai|인공지능|언어 ?모델)(?: 언어)?(?: ?모델)?(?: 어시스턴트)?"
                r"(?:으로서|로서|이기 때문|이므로|이라서|라서)"
            ),
            r"(?:^| )(?:저는|제가|전|나는|내가)(?= )|수(?:가|는)? 없|못합니다",
        ),
        "nb": (
            r"\bsom (?:en |et )?(?:ai|ki|kunstig intelligens|språkmodell)\b",
            r"\bjeg\b",
        ),
        "nl": (
            r"\bals (?:een )?(?:ai\b|kunstmatige intelligentie|taalmodel)",
            r"\b(?:ik|mij|me)\b",
        ),
        "pl": (
            r"\bjako (?:\w+ )?(?:model językowy|sztuczna inteligencja|ai\b)",
            r"\b(?:ja|mnie|mogę|potrafię|umiem|jestem|widzę|mam|muszę)\b",
        ),
        "pt": (
            (
                r"\b(?:como|sou|por ser) (?:uma? )?(?:modelo de (?:linguagem|ia)|ia\b|inteligência artificial"
                r"|assistente (?:de ia|virtual))"
            ),
            r"\b(?:eu|posso|consigo|sou|tenho|pude|vejo|estou|devo)\b",
        ),
        "ro": (
            (
                r"\bca (?:un )?(?:model (?:lingvistic|de limbaj|ai)|(?-i:AI|IA)\b|inteligență artificială)"
            ),
            r"\b(?:eu|îmi|pot|am|văd)\b",
        ),
        "ru": (
            (
                r"\b(?:как|я|я всего лишь|я просто) (?:\w+ )?(?:языковая модель|искусственный интеллект|ии\b)"
            ),
            r"\b(?:я|мне|могу|умею)\b",
        ),
        "sv": (
            r"\bsom (?:en |ett )?(?:ai|artificiell intelligens|språkmodell)\b",
            r"\bjag\b",
        ),
        "th": (
            r"ในฐานะ(?:ที่เป็น)?(?:โมเดล|แบบจำลอง|ai|เอไอ|ปัญญาประดิษฐ์|ผู้ช่วย)",
            r"ฉัน|ผม|เรา",
        ),
        "tr": (
            r"\byapay zek[aâ]\w*(?: \w+){0,3}? olarak|\bdil modeli olarak",
            r"\b(?:ben|bana)\b|\w(?:mam|mem|[ıiuü]yorum|[ıiuü]m)\b",
        ),
        "uk": (
            r"\b(?:як|я) (?:\w+ )?(?:мовна модель|штучний інтелект|ші\b)",
            r"\b(?:я|мені|можу|вмію)\b",
        ),
        "vi": (
            (
                r"\blà (?:một )?(?:mô hình (?:ngôn ngữ|ai)|(?-i:AI)\b|trí tuệ nhân tạo|trợ lý (?:ai|ảo))"
            ),
            r"\btôi\b",
        ),
        "zh": (
            (
                r"(?:作为|作為|身为|身為|(?:^|[，,。])我(?:只)?是)(?:一个|一個|一款|一名)?"
                r"(?:ai|人工智能|人工智慧|语言模型|語言模型|大型?语言|大模型)"
            ),
            r"我",
        ),
    }
)
