"""How models refuse, in each language that the prompts offer.

Each pattern needs the model's own person or the picture as its subject: "I can't adult today" on a
mug is no refusal, "I can't describe this" is one, and "there is no picture" may go on with "on the
wall". Sentences are looked at without their quotations.
Sources: what people report (ziran#278, Soup#166, Altbot#90, promptfoo#9793), and models asked in
these languages.
"""

# ruff: noqa: E501, RUF001 - patterns in many scripts stay whole, and their characters are meant

from __future__ import annotations

from functools import cache
from types import MappingProxyType

import regex

from altwright.describers.answers import sentences
from altwright.describers.answers.as_a_model import AS_A_MODEL
from altwright.describers.answers.quotations import own_words

_PICTURE = r"(?:image|picture|photo\w*|pic|attachment|file|visual|screenshot)s?"

#: How words for "attached" and "provided" begin: what was to come with the question.
_ATTACHED = (
    r"(?:attach|provid|includ|upload|sen[dt]\b|receiv|visible|adjunt|anexad|enviad|proporcion"
    r"|allegat|caricat|fornit|joint|fourni|bijgevoegd|meegestuurd|geüpload|ontvangen"
    r"|bifog|vedhæft|vedlagt|lastet|uppladd|atașat|încărcat|furnizat|επισυναπ|συνημμέν|erantsi"
    r"|مرفق|متاح|dilampirkan|diunggah|dikirim|diberikan|disertakan|terlampir)"
)
#: What may follow "there is no picture" if it is a refusal.
_ALONE = rf"(?:(?:\W+(?:here|qui|aqu[ií]|hier|her|här))?\W*$|\W+(?:\w+ ){{0,2}}?{_ATTACHED})"


#: Thai for to describe, help, identify, look at, see, process, analyse, open, access, answer.
_THAI_VERBS = r"(?:ที่จะ)?(?:อธิบาย|บรรยาย|ช่วย|ระบุ|ดู|เห็น|มองเห็น|ประมวลผล|วิเคราะห์|เปิด(?:รูป|ภาพ|ไฟล์)|เข้าถึง|ตอบ|จดจำ)"

#: Patterns by language; any one of them makes its sentence a refusal. Apostrophes are straight,
#: joiners and vowel points are taken off before.
REFUSALS = MappingProxyType(
    {
        "en": (
            (
                r"\bi (?:\w+ ){0,2}?(?:can't|cant|can ?not|could not|couldn't|won't|will not|do not"
                r"|don't|am unable to|am not able to) (?:\w+ ){0,3}?(?:help (?:you|with)|assist|describe"
                r"|identify|recogni[sz]e|comply|fulfil\w*|provide (?:an?|any|the|this)|analy[sz]e"
                r"|generate|(?:see|view|access|process|open|display|load|read|interpret|discuss|make out"
                rf"|comment on|have access to)(?: \w+){{0,3}} (?:{_PICTURE}|it|content|this)\b)"
            ),
            (
                r"\bi(?:'m| am) (?:\w+ ){0,3}?(?:unable|not able|not allowed|not permitted|not designed"
                r"|not comfortable|prohibited|incapable)(?: to| of| from)? (?:\w+ ){0,2}?(?:help|assist"
                r"|describ|identif|recogni[sz]|provid|see|view|access|process|analy[sz]|open|display"
                r"|load|generat|comply|discuss|interpret)"
            ),
            (
                r"\bi(?:'m| am) (?:just |only )?an? (?:ai|artificial intelligence|(?:\w+ )?language model"
                r"|text-based)\b"
            ),
            r"\bi(?: must|'ll have to| have to| need to| will have to) (?:\w+ )?(?:decline|refuse)",
            (
                r"\b(?:violat\w+|against|breach\w*|conflicts? with) (?:\w+ ){0,2}?(?:content|usage|safety"
                r"|our|my) (?:polic(?:y|ies)|guidelines?)|\bnot something i can|n't something i can"
                r"|^\W*error\W{1,3}(?:\w+ ){0,3}(?:image|picture|could|failed|unable)\b"
            ),
            (
                r"\bplease (?:try )?(?:re-?)?(?:provid|upload|attach|send|shar|submitt?)(?:e|ing)?"
                r"(?: me| us)?(?: with)?(?: it| one| again| once more| the| an?| your| another| any"
                r"| different| new| clear\w*| valid| actual){0,3}"
                rf" (?:{_PICTURE}|it|one|again|url|more (?:details|context|info\w*))\b(?! of)"
            ),
            (
                rf"^\W*(?:\w+,? )?(?:there|it|i)(?:'s| \w+){{1,3}}?(?: like| that| there is| there was"
                rf"| to be)* (?:no|not an?|not any) (?:\w+ )?{_PICTURE}\b{_ALONE}"
            ),
            (
                r"(?:^\W*(?:\w+,? )?|\b(?:seems?|appears?|looks?) (?:\w+ ){0,3}?|\b(?:but|because) )"
                r"no (?:image|picture|photo)s? (?:\w+ ){0,3}(?:provided|attached|uploaded|included|received|sent)"
            ),
            (
                rf"^\W*(?:\w+,? )?(?:it (?:\w+ )(?:like |that |as if )?)?(?:the|your|this) {_PICTURE}"
                r"(?: you \w+| data| file| url)?,?(?: \w+){0,2}? (?:not|\w+n't|cannot|failed to|unable to)"
                r" (?:\w+ ){0,3}?(?:load\w*|come through|provided|attached|uploaded|included|open\w*"
                r"|display\w*|render\w*|process\w*|described?|analy\w+|view\w*|accessib\w+|available"
                r"|received|visible|shown|accessed)\b"
            ),
            (
                rf"^\W*(?:\w+,? )?i (?:\w+ )?(?:see|received|got|am seeing) (?:only )?an? (?:blank|empty"
                rf"|corrupt\w*|broken) {_PICTURE}"
            ),
        ),
        "ar": (
            (
                r"(?:لا|لم|لن) (?:يمكنني|أستطيع|استطيع|أتمكن|اتمكن|يمكننا|نستطيع)(?: من)? (?:\w+ ){0,2}?"
                r"(?:وصف|رؤية|المساعدة|مساعد|التعرف|تحديد|عرض|معالجة|تحليل|الوصول|تقديم|مشاهدة|فتح|تلبية)"
            ),
            r"غير قادر على (?:\w+ )?(?:وصف|رؤية|المساعدة|التعرف|تحديد|معالجة|تحليل)",
            r"(?:لا أرى|لم يتم (?:إرفاق|تحميل|توفير)) (?:\w+ ){0,2}صورة",
            rf"لا توجد (?:\w+ ){{0,2}}صورة{_ALONE}",
            r"(?:يرجى|من فضلك) (?:إرفاق|تحميل|رفع|إرسال|تقديم|أرسل|ارفع) (?:\w+ )?(?:ال)?صورة",
        ),
        "ca": (
            (
                r"\bno (?:puc|podem|he pogut|s[oó]c capaç de) (?:\w+[ '-]){0,2}?(?:descriure|ajudar"
                r"|identificar|veure|processar|accedir|analitzar|visualitzar|proporcionar|reconèixer)"
            ),
            r"\bno (?:veig|s'ha (?:adjuntat|pujat|proporcionat|enviat)) cap (?:imatge|foto)",
            rf"\bno hi ha cap (?:imatge|foto)\b{_ALONE}",
            (
                r"\b(?:si us plau|sisplau),? (?:proporcion|adjunt|puj|envi|carreg)\w+ (?:\w+ ){0,2}"
                r"(?:imatge|foto)"
            ),
        ),
        "cs": (
            (
                r"\bne(?:mohu|můžu|dokážu|umím|jsem schop\w+)\b(?: \w+){0,4} (?:popsat|pomoci|pomoct"
                r"|identifikovat|zobrazit|vidět|rozpoznat|zpracovat|analyzovat|otevřít|vyhovět)"
            ),
            (
                r"\b(?:obrázek|snímek|fotografii|osob[yu]?)\b(?: \w+){0,3} (?:popsat|zobrazit|určit) "
                r"ne(?:mohu|můžu)"
            ),
            r"\bnevidím (?:žádný |ten |tento |váš )?(?:obráz|sním|fotografi|obraz)",
            r"\bjsem (?:jen )?(?:jazykový model|umělá inteligence)|\bobrázek se mi ne",
            r"\bobrázek (?:nebyl|není) (?:\w+ ){0,2}(?:přiložen|nahrán|poskytnut|k dispozici)",
            r"\bprosím,? (?:nahrajte|přiložte|pošlete|poskytněte) (?:\w+ ){0,2}(?:obráz|sním|fot)",
        ),
        "da": (
            (
                r"\b(?:jeg kan|kan jeg|jeg er)(?: \w+){0,2} ikke(?: \w+){0,3} (?:beskrive|hjælpe"
                r"|identificere|se (?:\w+ )?(?:billede|noget|det)|genkende|behandle|åbne|analysere|få adgang"
                r"|i stand)"
            ),
            r"\bjeg ser (?:\w+ )?(?:ikke|intet) (?:\w+ ){0,2}billede",
            r"\bder er (?:\w+ )?(?:ikke|intet) (?:\w+ )?(?:vedhæft|upload|sendt)\w* (?:\w+ ){0,2}billede",
            rf"\bder er (?:\w+ )?(?:ikke|intet) (?:\w+ ){{0,2}}billede{_ALONE}",
            r"\b(?:upload|vedhæft|send) (?:venligst )?(?:et|dit)? ?billede",
        ),
        "de": (
            (
                r"\b(?:ich (?:kann|darf|konnte|bin)|(?:kann|darf|konnte|bin) ich)\b(?: \w+){0,6}?"
                r" (?:nicht|keine?n?)\b(?: \w+){0,4}? (?:beschreiben|helfen|weiterhelfen|identifizieren"
                r"|verarbeiten|analysieren|behilflich|benennen|zugreifen|der lage)"
            ),
            (
                r"\b(?:ich kann|kann ich)\b(?: \w+){0,4}? (?:bild|foto|datei|anhang|grafik|person)\w*"
                r"(?: \w+){0,4}? nicht (?:\w+ ){0,2}?(?:erkennen|sehen|anzeigen|öffnen|anschauen|ansehen)"
            ),
            (
                r"\bich kann (?:\w+ )?keine? (?:bild|foto)\w* (?:\w+ ){0,2}?(?:sehen|erkennen|anzeigen"
                r"|öffnen)|\bsprachmodell und kann\b"
            ),
            r"^\W*(?:leider |hier )?(?:ich )?sehe (?:ich )?(?:\w+ )?kein (?:bild|foto)",
            (
                r"\bkeine? (?:bild|foto|datei)\w* (?:\w+ ){0,2}(?:hochgeladen|angehängt|beigefügt"
                r"|bereitgestellt|übermittelt|mitgeschickt)"
            ),
            (
                r"\bbitte (?:lade|sende|schicke?|füge|stelle|teile)n?(?: sie)?(?: mir)? (?:das|ein|dein"
                r"|ihr)\w*(?: \w+)? (?:bild|foto|datei)"
            ),
            r"\bich muss (?:\w+ ){0,3}ablehnen",
        ),
        "el": (
            (
                r"\bδε[νμ]? (?:μπορώ|μπόρεσα|είμαι σε θέση) (?:\w+ )?να (?:\w+ ){0,2}?(?:περιγράψω"
                r"|βοηθήσω|αναγνωρίσω|ταυτοποιήσω|δω|επεξεργαστώ|αναλύσω|ανοίξω|εξυπηρετήσω|προσδιορίσω)"
            ),
            r"\bδεν (?:βλέπω|έχει επισυναφθεί|παρασχέθηκε)(?: \w+){0,2} (?:εικόνα|φωτογραφία)",
            rf"\bδεν υπάρχει(?: \w+){{0,2}} (?:εικόνα|φωτογραφία){_ALONE}",
            r"\bπαρακαλώ (?:ανεβάστε|επισυνάψτε|στείλτε)(?: \w+){0,2} (?:εικόνα|φωτογραφία)",
        ),
        "eo": (
            r"\bmi ne povas (?:\w+ ){0,2}?(?:priskribi|helpi|identigi|vidi|rekoni|analizi|malfermi)",
            r"\bmi ne vidas (?:iun |la )?(?:bildon|foton)",
        ),
        "es": (
            (
                r"\bno (?:puedo|podemos|pude|me es posible|soy capaz de|tengo la capacidad de"
                r"|estoy en condiciones de) (?:\w+ ){0,2}?(?:describir|ayudar|identificar|ver(?:la)?\b"
                r"|reconocer|procesar|acceder|analizar|visualizar|proporcionar|abrir|cumplir|atender|asistir)"
            ),
            r"^\W*(?:\w+,? )?no (?:veo|recibí|se (?:ha )?\w+) (?:ninguna|una|la) (?:imagen|foto)",
            rf"^\W*(?:\w+,? )?no hay (?:ninguna|una|la) (?:imagen|foto)\b{_ALONE}",
            (
                r"\bpor favor,? (?:proporcion|adjunt|sub|env|compart|carg)\w+ (?:de nuevo )?(?:la|una|tu|su"
                r"|otra) (?:imagen|foto)"
            ),
        ),
        "eu": (
            (
                r"\bezin (?:izan )?(?:dut|dizut|ditut|dizuet)(?: [\w-]+){0,4} (?:deskribatu|lagundu"
                r"|identifikatu|ikusi|prozesatu|aztertu|ireki|ezagutu)"
            ),
            rf"\bez dut(?: \w+)? irudirik|\bez dago(?: \w+)? irudirik{_ALONE}",
        ),
        "fa": (
            (
                r"نمی ?(?:توانم|تونم|توانیم)(?: \w+){0,5}? (?:توصیف|کمک|شناسایی|ببینم|تشخیص|پردازش"
                r"|مشاهده|تحلیل|دسترسی|باز)"
            ),
            r"قادر به (?:\w+ )?(?:دیدن|توصیف|شناسایی|مشاهده|کمک|پردازش)(?: \w+)? نیستم",
            r"(?:تصویری|عکسی) (?:\w+ ){0,3}?(?:نمی ?بینم|ارسال نشده|پیوست نشده|ارائه نشده|وجود ندارد)",
            r"لطفا (?:\w+ )?(?:تصویر|عکس)(?: \w+){0,3} (?:ارسال|آپلود|بارگذاری|ارائه)",
        ),
        "fi": (
            (
                r"\benk?[aä]? (?:\w+ )?(?:voi|pysty|kykene|osaa)(?: \w+){0,3} (?:kuvail|kuvata|kuvaamaan|autta"
                r"|tunnist|nähdä|näkemään|käsitel|analysoi|avata|avaamaan|tarkastel)"
            ),
            r"\ben näe (?:\w+ )?kuvaa?\b",
            r"\bkuvaa ei (?:ole )?(?:liitetty|ladattu|annettu|toimitettu)",
        ),
        "fr": (
            (
                r"\bje ne (?:peux|puis|suis|pourrai|pouvais)(?: \w+){0,2}?(?: pas)?(?: en mesure| capable"
                r"| autorisée?)?(?: de| d')? ?(?:\w+ ){0,2}?(?:décrire|aider|identifier|voir|reconnaître"
                r"|traiter|accéder|analyser|visualiser|fournir|ouvrir|afficher|répondre à)"
            ),
            r"\bje ne (?:vois|distingue) (?:\w+ )?(?:pas|aucune) (?:d'|l'|votre |cette )?(?:image|photo)",
            (
                r"\baucune (?:image|photo) (?:\w+ |n'|m'){0,4}(?:jointe|fournie|envoyée|reçue|transmise"
                r"|partagée|chargée|téléchargée|téléversée|visible)"
            ),
            (
                r"\b(?:veuillez|merci de) (?:\w+ )?(?:télécharger|fournir|joindre|envoyer|partager|importer"
                r"|téléverser) (?:à nouveau )?(?:l'|une |votre |la |une autre )(?:image|photo)"
            ),
        ),
        "gl": (
            (
                r"\bnon (?:podo|puiden|podemos|son capaz de) (?:\w+ ){0,2}?(?:describir|axudar"
                r"|identificar|ver\b|recoñecer|procesar|acceder|analizar|proporcionar|abrir)"
            ),
            rf"\bnon (?:vexo|se \w+) (?:ningunha|unha) imaxe|\bnon hai (?:ningunha|unha) imaxe\b{_ALONE}",
        ),
        "he": (
            (
                r"(?:אני לא|אינני|איני) (?:יכול|יכולה|מסוגל|מסוגלת|מצליח|מצליחה) (?:\w+ ){0,2}?(?:לתאר|לעזור"
                r"|לסייע|לזהות|לראות|לעבד|לנתח|לפתוח|לצפות|לגשת|לספק)"
            ),
            r"(?:אני לא|אינני|איני) רואה (?:\w+ )?תמונה|לא (?:צורפה|סופקה|הועלתה|התקבלה) (?:\w+ )?תמונה",
            r"(?:אנא|בבקשה) (?:העלה|העלו|צרף|צרפו|שלח|שלחו|ספק) (?:\w+ )?(?:ה)?תמונה",
        ),
        "hi": (
            (
                r"मैं(?: \S+){0,7}? (?:वर्णन|मदद|सहायता|पहचान|छवि|चित्र|तस्वीर|विश्लेषण|संसाधित)"
                r"(?: \S+){0,4}? (?:नहीं|असमर्थ)"
            ),
            r"(?:छवि|चित्र|तस्वीर|इमेज) (?:\S+ )?(?:नहीं (?:दिख|मिल|दी|अपलोड)|(?:प्रदान|संलग्न|अपलोड) नहीं)",
            r"कृपया (?:\S+ ){0,2}(?:छवि|चित्र|तस्वीर|इमेज|फोटो)",
        ),
        "hu": (
            (
                r"\bnem (?:tudo[mk]|áll módomban|vagyok képes)(?: \w+){0,4} (?:leírni|segíteni|azonosítani"
                r"|megtekinteni|megnézni|látni|feldolgozni|elemezni|megnyitni|felismerni|megjeleníteni)"
            ),
            r"\bnem láto[mk] (?:a |egy |semmilyen |a csatolt )?kép",
            r"^\W*(?:\w+,? )?nincs (?:\w+ )?(?:csatol|feltölt|mellékel)\w* kép",
        ),
        "id": (
            (
                r"\b(?:saya|aku|kami) (?:\w+ )?(?:tidak|belum|tak) (?:dapat|bisa|mampu) (?:\w+ ){0,2}?"
                r"(?:mendeskripsikan|menggambarkan|menjelaskan|membantu|mengidentifikasi|melihat|mengenali"
                r"|memproses|menganalisis|mengakses|membuka|memberikan|memenuhi)"
            ),
            rf"\bsaya tidak melihat (?:\w+ )?gambar|\btidak ada (?:\w+ )?gambar\b{_ALONE}",
            (
                r"\b(?:silakan|mohon|harap) (?:\w+ )?(?:unggah|kirim|lampirkan|berikan|sertakan)\w* (?:\w+ )?"
                r"gambar"
            ),
        ),
        "it": (
            (
                r"\bnon (?:posso|possiamo|riesco a|sono (?:\w+ )?in grado di|mi è possibile"
                r"|sono autorizzato a) (?:\w+ ){0,2}?(?:descriver|aiutar|identificar|veder|riconoscer"
                r"|elaborar|accedere|analizzar|visualizzar|fornir|aprir|assister|soddisfare)"
            ),
            r"\bnon (?:vedo|ho ricevuto|è stata \w+) (?:nessuna |alcuna |un')immagine",
            rf"\bnon c'è (?:nessuna |alcuna |un')immagine\b{_ALONE}",
            r"\bnessuna immagine (?:\w+ ){0,2}(?:fornita|allegata|caricata)",
            (
                r"\b(?:per favore|si prega di),? (?:di )?(?:fornir|fornisc|alleg|caric|invi|condivid)\w*"
                r" (?:di nuovo )?(?:l'|un'|la |una |la tua )(?:immagine|foto)"
            ),
        ),
        "ja": (
            r"(?:画像|写真|イメージ)を[^。]{0,12}(?:でき(?:ません|ない|かね)|られません|れません)",
            r"(?:お手伝い|お力|お役に|ご要望|ご依頼|お応え|お答え)[^。]{0,12}(?:でき|なれ|立て)(?:ません|ない|かね|ず)",
            r"(?:^|[、。])\W*(?:画像|写真)が[^。]{0,10}(?:いません|ありません|ませんでした|ない(?:よう|みたい)です|ないため)",
            r"(?:画像|写真)を[^。]{0,6}(?:アップロード|添付|送信|提供|共有|送って)[^。]{0,4}(?:ください|いただ)",
            r"(?:人物|個人|誰)[^。]{0,12}(?:特定|識別)[^。]{0,8}でき(?:ません|かね)",
            r"申し訳[^。]{0,60}(?:できません|できかね|いたしかね|わかりません)",
        ),
        "ko": (
            (
                r"(?:이미지|사진|그림|사람|인물|요청)\S* ?(?:\S+ ){0,3}?\S*(?:설명|묘사|볼|확인|인식|처리|분석|식별|표시|열)"
                r"\S* ?(?:드릴 )?(?:수(?:가|는)? )?없(?:습니다|어요|네요)"
            ),
            r"(?:사람|인물)\S* 누구인지 알 수 없습니다",
            r"(?:도와 ?드릴|도와줄|도움을 드릴) 수(?:가|는)? ?없",
            (
                r"(?:^|[.,] )\W*(?:이미지|사진)(?:가|이) (?:\S+ ){0,2}?(?:첨부|제공|업로드|보이지|로드)\S* ?(?:\S+ )?"
                r"(?:않았습니다|않습니다|않네요|않은 것 같습니다|없습니다)"
            ),
            r"(?:이미지|사진)(?:를|을) (?:다시 )?(?:업로드|첨부|제공|공유|보내)\S* ?주",
        ),
        "nb": (
            (
                r"\b(?:jeg kan|kan jeg|jeg klarer|jeg er)(?: \w+){0,2} ikke(?: \w+){0,3} (?:beskrive"
                r"|hjelpe|identifisere|se (?:\w+ )?(?:bilde|noe|det)|gjenkjenne|behandle|åpne|analysere"
                r"|få tilgang|bistå|i stand)"
            ),
            rf"\bjeg ser (?:ikke noe|ingen|intet) bilde|\bdet er (?:ikke noe|ingen|intet) (?:bilde|bilder){_ALONE}",
            r"\b(?:last opp|legg ved|send) (?:et |ditt )?bilde",
        ),
        "nl": (
            (
                r"\b(?:ik (?:kan|mag|kon|ben)|kan ik)\b(?: \w+){0,5}? (?:niet|geen)\b(?: \w+){0,4}?"
                r" (?:beschrijven|helpen|identificeren|herkennen|zien|bekijken|verwerken|openen|weergeven"
                r"|analyseren|in staat|voldoen)"
            ),
            r"^\W*(?:\w+,? )?ik zie (?:\w+ )?geen (?:afbeelding|foto|plaatje)",
            rf"^\W*(?:\w+,? )?er is (?:\w+ )?geen (?:afbeelding|foto|plaatje){_ALONE}",
            r"\bgeen (?:afbeelding|foto) (?:\w+ ){0,2}(?:geüpload|bijgevoegd|meegestuurd|ontvangen)",
            r"\b(?:upload|stuur|deel) (?:\w+ )?(?:de|een|je) (?:afbeelding|foto)",
        ),
        "pl": (
            (
                r"\bnie (?:mogę|jestem w stanie|potrafię|udało mi się)(?: \w+){0,4} (?:opisa|opisywa|pomóc"
                r"|zidentyfikować|identyfikować|zobaczyć|rozpozna|przetworzyć|wyświetlić|otworzyć"
                r"|przeanalizować|analizować|spełnić)"
            ),
            r"\bnie widzę (?:żadnego |tego |załączonego )?(?:obrazu|zdjęcia|obrazka)",
            r"\bnie (?:załączono|przesłano|dołączono|dostarczono) (?:\w+ )?(?:obrazu|zdjęcia|obrazka)",
            (
                r"\bproszę (?:\w+ )?(?:o przesłanie|przesłać|przesłanie|załączyć|wgrać|dołączyć|prześlij)"
                r" (?:\w+ ){0,2}(?:obraz|zdjęci|plik)"
            ),
        ),
        "pt": (
            (
                r"\bnão (?:posso|consigo|podemos|pude|sou capaz de|tenho como|me é possível) (?:\w+ ){0,2}?"
                r"(?:descrever|ajud|identificar|ver\b|vê-la|reconhecer|processar|acessar|aceder|analisar"
                r"|visualizar|fornecer|abrir|atender|auxiliar)"
            ),
            r"^\W*(?:\w+,? )?não (?:vejo|recebi|foi \w+) (?:nenhuma|uma|a) (?:imagem|foto)",
            rf"^\W*(?:\w+,? )?não há (?:nenhuma|uma|a) (?:imagem|foto)\b{_ALONE}",
            r"\bnenhuma imagem (?:foi )?(?:fornecida|enviada|anexada|carregada)",
            r"\bpor favor,? (?:envi|forne|anex|carreg|compartilh)\w+ (?:a|uma|sua|outra) (?:imagem|foto)",
        ),
        "ro": (
            (
                r"\bnu (?:(?:vă|te|o|le|îl) )?(?:pot|putem|sunt capabil să|am putut|reușesc să) (?:\w+ ){0,2}?"
                r"(?:descri|ajut|identific|vede|văd|recuno|procesa|accesa|analiza|deschide|oferi)"
            ),
            r"\bnu (?:văd|a fost \w+) (?:nicio|nici o|vreo) (?:imagine|fotografie)",
            rf"\bnu există (?:nicio|nici o|vreo) (?:imagine|fotografie)\b{_ALONE}",
            (
                r"\bvă rog,? (?:să )?(?:încărcați|atașați|trimiteți|furnizați) (?:\w+ ){0,2}"
                r"(?:imagin|fotografi|poz)"
            ),
        ),
        "ru": (
            (
                r"\bне (?:могу|смог|смогла|умею|в состоянии|имею возможности|способен|способна)(?: \w+){0,4}?"
                r" (?:описать|описывать|помо[чг]|идентифицировать|опозна|увидеть|видеть|просматривать"
                r"|просмотреть|распозна|обработать|открыть|анализировать|проанализировать|выполнить)"
            ),
            r"\bне вижу (?:\w+ ){0,2}?(?:изображени|картинк|фото)",
            (
                r"\b(?:изображение|фото\w*|картинка) (?:\w+ ){0,2}?не (?:было |была )?(?:прикреплен|предоставлен"
                r"|загружен|загрузил|приложен)"
            ),
            (
                r"\bпожалуйста,? (?:\w+ )?(?:загрузите|прикрепите|отправьте|пришлите|предоставьте)"
                r" (?:\w+ ){0,2}(?:изображени|картинк|фото|файл)"
            ),
        ),
        "sv": (
            (
                r"\b(?:jag kan|kan jag)(?: \w+){0,2} (?:inte|inga|ingen)(?: \w+){0,3} (?:beskriva|hjälpa"
                r"|identifiera|se (?:\w+ )?(?:bild|någo|det)|känna igen|behandla|öppna|analysera|komma åt)"
            ),
            r"^\W*(?:\w+ )?(?:jag ser|ser jag) (?:ingen|inte någon) bild",
            rf"^\W*(?:\w+ )?(?:det finns|finns det) (?:ingen|inte någon) bild{_ALONE}",
            r"\bingen bild (?:har )?(?:\w+ )?(?:bifogats|laddats|skickats)",
            r"\b(?:ladda upp|bifoga|skicka) (?:en bild|bilden)",
        ),
        "th": (
            rf"(?:ฉัน|ผม|ดิฉัน|เรา)(?:ก็|จึง|ยัง)?ไม่สามารถ{_THAI_VERBS}",
            rf"(?:ขออภัย|ขอโทษ|เสียใจ)[^\n]{{0,20}}ไม่(?:สามารถ{_THAI_VERBS}|เห็น(?:รูป)?ภาพ)",
            r"(?:ฉัน|ผม|ดิฉัน)(?:มอง)?ไม่เห็น(?:ภาพ|รูป)",
            r"^ไม่(?:มี|พบ)(?:รูป)?ภาพ(?:ที่)?(?:แนบ|อัป)",
            r"(?:กรุณา|โปรด)(?:อัปโหลด|แนบ|ส่ง)(?:รูป)?ภาพ",
        ),
        "tr": (
            (
                r"(?:görsel|görüntü|resm|resim|fotoğraf|kişi|bunu)\w*(?: \w+){0,3}? (?:tanımlaya|göre|açıklaya"
                r"|betimleye|tarif ede|işleye|analiz ede|aça|tanıya|teşhis ede|görüntüleye|erişe)"
                r"(?:mam|mem|mıyorum|miyorum|madım|medim)\b(?! yaz)"
            ),
            r"\byardımcı olam(?:am|ıyorum|ayacağım)|\byardım edem(?:em|iyorum)",
            r"\bdil modeliyim\b",
            r"\b(?:görsel|resim|görüntü|fotoğraf) (?:göremiyorum|eklenmemiş|yüklenmemiş|sağlanmadı)(?! yaz)",
            (
                r"\blütfen (?:\w+ )?(?:görsel|resim|resm|görüntü|fotoğraf)\w* (?:\w+ )?(?:yükle|paylaş|ekle"
                r"|gönder)"
            ),
        ),
        "uk": (
            (
                r"\bне (?:можу|зміг|змогла|вмію|в змозі|маю можливості)(?: \w+){0,4}? (?:описати|описувати"
                r"|допомогти|ідентифікувати|побачити|бачити|переглянути|переглядати|розпізна|обробити"
                r"|відкрити|проаналізувати|аналізувати|виконати)"
            ),
            r"\bне бачу (?:\w+ ){0,2}?(?:зображенн|картин|фото)",
            (
                r"\bбудь ласка,? (?:\w+ )?(?:завантажте|прикріпіть|надішліть|надайте) (?:\w+ ){0,2}"
                r"(?:зображенн|картинк|фото|файл)"
            ),
        ),
        "vi": (
            (
                r"\btôi (?:\w+ )?không (?:thể|có khả năng) (?:\w+ ){0,2}?(?:mô tả|giúp|hỗ trợ|nhận (?:dạng|diện"
                r"|biết)|xác định|xem|thấy|nhìn thấy|xử lý|truy cập|phân tích|mở|cung cấp|đáp ứng)"
            ),
            r"\btôi không (?:nhìn )?thấy (?:\w+ )?(?:hình|ảnh)",
            r"\bvui lòng (?:tải|gửi|cung cấp|đính kèm|chia sẻ) (?:\w+ ){0,2}(?:hình|ảnh)",
        ),
        "zh": (
            (
                r"我(?:们|們)?(?:暂时|目前|暫時|还|還|并|並)?(?:无法|不能|没法|無法|沒法|没有办法|不便)[^。！]{0,10}?(?:描述|帮|幫"
                r"|协助|協助|识别|識別|辨认|辨認|查看|看到|看见|看見|处理|處理|访问|訪問|分析|提供|打开|打開|满足|滿足|回答)"
            ),
            r"(?:^|[我，,。])(?:看不到|看不见|看不見|没有看到|沒有看到|没看到)[^。]{0,8}(?:图片|圖片|图像|圖像|照片|任何图|任何圖)",
            r"(?:没有|沒有|未)(?:上传|上傳|提供|附上|收到|检测到)[^。]{0,6}(?:图片|圖片|图像|圖像|照片)",
            r"(?:请|請)(?:您)?(?:重新)?(?:上传|上傳|提供|发送|發送|分享)[^。]{0,6}(?:图|圖|照片)",
        ),
    }
)
#: What a refusal often begins with; alone it is none ("Sorry, we're closed").
_APOLOGIES = (
    (
        r"(?:oh,? |hello[,!. ]*|hi[,!. ]*|unfortunately)?(?:i(?:'m| am) (?:\w+ )?sorry|sorry|i apologi[sz]e"
        r"|my apologies|apologies|thank(?:s| you)|i (?:can )?see (?:the|an?|your|you)|i understand)"
    ),
    (
        r"es tut mir leid|entschuldigung|leider|(?:je suis )?désolée?|malheureusement|lo siento|lamento"
        r"|disculpa|perdón|mi dispiace|mi scuso|purtroppo|desculpe|sinto muito|het spijt me|helaas"
    ),
    (
        r"przepraszam|przykro mi|niestety|omlouvám|je mi líto|bohužel|beklager|desværre|dessverre|tyvärr"
        r"|jag är ledsen|förlåt|valitettavasti|olen pahoillani|anteeksi|sajnálom|elnézést|îmi pare rău"
    ),
    r"извините|простите|к сожалению|вибачте|на жаль|λυπάμαι|συγγνώμη|üzgünüm|maalesef|xin lỗi|rất tiếc",
    r"maaf|ho sento|em sap greu|síntoo|desculpa|barkatu|sentitzen dut|mi bedaŭras|pardonu",
    (
        r"عذرا|آسف|أعتذر|متأسفم|ببخشید|מצטער|סליחה|अरे|क्षमा|माफ़|खेद|ขออภัย|ขอโทษ|申し訳|すみません"
        r"|죄송|미안|抱歉|对不起|對不起"
    ),
)


# Compiled when a first answer comes: it takes a tenth of a second, and most processes meet none.
@cache
def _refusal() -> regex.Pattern[str]:
    patterns = (pattern for patterns in REFUSALS.values() for pattern in patterns)
    # Both in one sentence, in any order.
    models = (f"^(?=.*(?:{speaks})).*?(?:{called})" for called, speaks in AS_A_MODEL.values())
    return regex.compile("|".join((*patterns, *models)), regex.IGNORECASE)


@cache
def _apology() -> regex.Pattern[str]:
    return regex.compile(rf"^\W*(?:{'|'.join(_APOLOGIES)})", regex.IGNORECASE)


#: Vowel points of Arabic and Hebrew and joiners, which people write or not.
_POINTS = regex.compile(r"[\u064b-\u0652\u0591-\u05c7\u200b-\u200f]")
#: Letters from which what stands before a refusal counts as a description; ideographs as three.
_LEAST_BEFORE = 9
#: Characters that are looked at: no draft is longer.
_LOOKED_AT = 4_000


def refusal_at(text: str) -> int | None:
    """Return where a refusal begins: 0 if the whole text is one, None if there is none.

    What stands before a refusal, if it isn't only an apology, is a description.
    """
    words = own_words(text[:_LOOKED_AT])
    kept_until = 0
    for start, end in sentences.split(words):
        sentence = _POINTS.sub("", words[start:end].replace("\u2019", "'")).strip()
        if _refusal().search(sentence):
            return kept_until if _weight(words[:kept_until]) >= _LEAST_BEFORE else 0
        if kept_until or not _apology().search(sentence):
            kept_until = end
    return None


def _weight(text: str) -> int:
    return sum(3 if sign >= "\u2e80" else 1 for sign in text if sign.isalpha())
