//! Programs that work on text, documents, images, sound and data.

use super::Group;

pub(super) const GROUPS: &[Group] = &[
    (
        "work on text and structured data",
        "age age-keygen sops minisign signify gojq jaq fx jless jo jc jp jpp jid jsondiff json_pp json_reformat json_verify json_xs \
            jd jql jello jtbl dyff yj yaml2json json2yaml toml2json json2toml yaml-merge yamlpath yaml-get ytt jsonnet jsonnetfmt cue \
            kcl dhall dhall-to-json pkl hcl2json csvclean csvsql csvpy sql2csv tsv-select tsv-filter tsv-summarize tsv-join tsv-uniq \
            tsv-pretty tsv-append csv2tsv xlsx2csv xls2csv ssconvert visidata vd q textql dsq octosql trdsql roapi datasette \
            parquet-tools parquet-cli pqrs avrocat sq sqldiff sqlite3_analyzer hxpipe xpath xsltproc xalan saxon trang jing rapper riot \
            rdfpipe html2text html2markdown w3m lynx elinks links links2 unrtf antiword catdoc catppt xls2txt docx2txt odt2txt iconv \
            uconv recode dos2unix unix2dos mac2unix unix2mac fromdos todos enca chardetect uchardet nkf ascii unicode uniname unac \
            translit lolcat boxes banner fortune pwgen apg uuidgen uuid uuidparse mcookie diceware \
            xkcdpass mkpasswd argon2 bcrypt md5 sha1 sha256 md5deep sha1deep sha256deep hashdeep cfv cksfv blake3 xxhash xxh32sum \
            jacksum par2 base58 basez base91 ascii2uni rdiff bsdiff bspatch xdelta3 combinediff interdiff splitdiff rediff recountdiff \
            grepdiff flipdiff unwrapdiff wiggle meld kdiff3 kompare diffuse opendiff icdiff ydiff delta diff-so-fancy diffoscope \
            diff-pdf daff csvdiff json-diff spell aspell hunspell ispell enchant-2 sdcv dict dictd trans qrencode zbarimg gunits qalc \
            calc gcal remind when calcurse khal khard todo.sh timew timetrap jrnl nb zk hledger hledger-ui ledger beancount bean-check \
            bean-query fava rga ucg sift cgrep pcregrep pcre2grep agrep tre-agrep ggrep ripgrep fzf fzy peco sk percol gum dialog \
            whiptail zenity kdialog yad choose hck sd teip sttr zet huniq runiq frawk goawk miller ul nroff troff groff grog soelim tbl \
            eqn pic preconv zsoelim ctioga errno isutf8 combine vis unvis jot lam rs uudecode uuencode mimencode qprint quoted-printable \
            base32hex numdiff spiff ccze hl humanlog pino-pretty bunyan pino agrind angle-grinder goaccess webalizer logstalgia gource \
            tailspin tspin jl klp logcli ploticus spark bar-chart termgraph asciigraph youplot uplot feedgnuplot guff sparklines m4",
    ),
    (
        "make and change images, sound and film",
        "convert magick montage composite compare animate display conjure gm ffmpeg ffplay ffprobe-batch avconv sox soxi play rec \
            lame mpg123 mpg321 ogg123 flac metaflac oggenc oggdec ogginfo opusenc opusdec opusinfo vorbiscomment mp3gain mp3val aacgain \
            normalize-audio eyeD3 id3v2 id3tool mid3v2 mutagen-inspect mkvinfo mkvmerge mkvextract mkvpropedit MP4Box mp4info mp4dump \
            mp4fragment HandBrakeCLI x264 x265 SvtAv1EncApp aomenc aomdec dav1d rav1e vpxenc vpxdec gst-launch-1.0 gst-inspect-1.0 \
            gst-discoverer-1.0 gst-play-1.0 mpv mplayer mencoder vlc cvlc aplay arecord paplay parec pacat speaker-test timidity \
            fluidsynth lilypond abc2midi yt-dlp youtube-dl gallery-dl streamlink spotdl you-get exiv2 exif jhead jpegoptim jpegtran \
            cjpeg djpeg optipng pngquant pngcrush pngcheck oxipng zopflipng advpng cwebp dwebp gif2webp webpinfo webpmux avifenc avifdec \
            heif-convert heif-enc heif-info cjxl djxl gifsicle gifski inkscape rsvg-convert cairosvg svg2png svgcleaner scour potrace \
            autotrace vtracer dcraw darktable-cli rawtherapee-cli feh sxiv nsxiv imv eog gthumb viu chafa catimg timg jp2a tiv icat \
            pnmtopng pngtopnm ppmtojpeg anytopnm pnmscale povray luxcorerender meshlabserver meshlab assimp gltf-transform gltfpack \
            openscad prusa-slicer slic3r cura dot neato fdp sfdp twopi circo osage patchwork gvpack gvgen tred unflatten ccomps acyclic \
            dijkstra gxl2gv plantuml mmdc mermaid ditaa seqdiag blockdiag actdiag nwdiag d2 structurizr-cli pikchr svgbob erd eralchemy \
            tbls schemaspy tesseract ocrmypdf unpaper scanimage gocr espeak espeak-ng festival flite pico2wave piper text2wave alass \
            ffsubsync subliminal scrot maim grim slurp xwd flameshot gnome-screenshot spectacle asciinema agg ttyrec ttyplay svg-term \
            termtosvg vhs terminalizer fc-list fc-match fc-query fc-scan fc-cat otfinfo ttx pyftsubset fonttools woff2_compress \
            woff2_decompress sfnt2woff ttf2woff barcode zint bwscanner",
    ),
    (
        "set and turn documents",
        "latex pdflatex xelatex lualatex tex pdftex xetex luatex latexmk bibtex bibtex8 biber makeindex xindy makeglossaries dvips \
            dvipdf dvipdfm dvipdfmx xdvipdfmx dvisvgm dvipng tex4ht htlatex make4ht latexpand latexdiff latexindent latexrun lacheck \
            chktex texcount texfot texdoc kpsewhich tectonic typst arara rubber lyx libreoffice soffice unoconv unoserver abiword \
            wkhtmltopdf wkhtmltoimage weasyprint prince chromium chromium-browser google-chrome chrome firefox ebook-convert ebook-meta \
            ebook-viewer epubcheck pdftotext pdftohtml pdftoppm pdftocairo pdfimages pdfseparate pdfunite pdfattach pdfsig pdftk qpdf \
            mutool pdfcrop pdfjam pdfnup pdfbook pdfcpu pdf2svg pdf2txt.py pdfplumber ps2pdf pdf2ps ps2ascii ps2eps epstopdf eps2eps \
            pdf2dsc a2ps enscript mpage psnup psselect psbook evince okular zathura xpdf mupdf asciidoctor asciidoctor-pdf asciidoc a2x \
            adoc markdown multimarkdown cmark cmark-gfm commonmark kramdown redcarpet marked markdown-it showdown glow mdcat mdv grip \
            rst2html rst2html5 rst2pdf rst2latex rst2man rstcheck help2man txt2man ronn scdoc pod2man pod2html pod2text perldoc \
            go-md2man man2html mandoc makeinfo texi2pdf texi2dvi texi2any pandoc-citeproc pandoc-crossref quarto myst jupyter-book \
            revealjs marp slidev mdp lookatme patat present docbook2html xmlto dblatex fop deckset impressive",
    ),
    (
        "pack and unpack",
        "funzip zipnote zipsplit lzma unlzma lzip plzip lzop lz4 unlz4 brotli compress uncompress pigz unpigz pbzip2 lbzip2 pixz pxz \
            zopfli 7zr 7zz unar unace arj unarj lha lhasa cabextract unshield innoextract unzipsfx rpm2cpio rpm2archive dtrx atool \
            aunpack als apack unp dar zpaq lrzip lrunzip lrztar zpipe bunzip3 bzip3 snzip unsnappy zstdmt pzstd ouch sit unstuff xar \
            fsarchiver-probe wimlib-imagex wiminfo isosize asar",
    ),
    (
        "write, translate and publish",
        "po4a pofilter pocount pogrep pomerge pot2po po2html po2txt txt2po html2po json2po po2json csv2po po2csv ini2po po2ini \
            xliff2po po2xliff tmx2po virtaal weblate-wlc lingui i18next formatjs extract-loader xgettext.pl msgfmt.py poedit compendium \
            tmserver okapi tikal sphinx-intl sphinx-multiversion sphinx-lint sphinx-serve rstfmt docstrfmt doc8 restview blacken-docs \
            mike zensical docsy jb-book nbqa bookdown rmarkdown knit pandoc-plot panflute pandocomatic pandoc-lua md-to-pdf mdpdf \
            marp-cli mdx mdxjs mdless frogmouth slides presenterm reveal-md impress asciidoctorj doctave docpad docco groc doxybook2 \
            doxypress breathe-apidoc naturaldocs standardese hdoc cldoc clang-doc sourcekitten jazzy docc dokka dartdoc ex_doc exdoc \
            haddock hscolour hoogle cargo-doc cargo-readme cargo-rdme gomarkdoc golds compodoc jsdoc2md apidoc apidocjs aglio snowboard \
            slate widdershins redoc openapi-to-md graphdoc spectaql dbdocs dbml2sql sql2dbml dbdiagram planter structurizr likec4 c4viz \
            drawio draw.io excalidraw-export nomnoml wavedrom wavedrom-cli bytefield-svg vega vl2png vl2svg vg2png vg2svg \
            gnuplot-iostream asy asymptote pgfplots metapost mpost mptopdf metafont mf eplain amstex tikz2svg pdfcropmargins krop briss \
            k2pdfopt pdfarranger pdfsandwich pdfsam-basic pdfmod stapler cpdf hocr2pdf pdfalto grobid-client marker_single nougat \
            docling markitdown trafilatura newspaper monolith single-file percollate wkhtmltox pageres capture-website html-pdf \
            html-to-text html2pdf vivliostyle pagedjs-cli athenapdf relaxed bookmaker ebook-polish ebook-edit kcc-c2e epub2tex \
            pandoc-ebook kepubify mobi-unpack txt2tags t2t aft yodl udo halibut scribble-doc raco-scribble lout heirloom-troff neatroff \
            groffer manlint igor ditroff refer grap chem gpinyin indxbib lookbib eqn2graph grap2graph pic2graph pdfroff docbook-xsl jade \
            openjade onsgmls osgmlnorm sgmlnorm nsgmls xmllint-relaxng rnv saxonb-xslt saxon9 xspec zorba xmlcopyeditor xmldiff xmlpatch \
            html5validator html-validator-cli nu-validator htmlproofer html-proofer blc broken-link-checker linkchecker hyperlink \
            awesome_bot redpen stylo joblint retext rousseau languagetool ltex-cli harper-cli pyspelling yaspeller mdspell \
            readability-score textstat style diction gramma after-the-deadline",
    ),
    (
        "turn and look into data",
        "csvq csvkit xan zsv csvlens csview tabview tv csvcat csvtotable csv2md csv2json json2csv jsontool json5 jsonc json-minify \
            jsonpath jqp jnv jiq ijq jsonlines jl2csv ndjson-map ndjson-reduce json-schema-faker pajv jsonlint-cli prettyjson underscore \
            ramda jaqua gron-undo catj emuto trurl urlencode urldecode urlscan urlview hq hred xq-python xpe xml2 2xml html2 \
            xml-twig-tools xml_grep xml_pp xml_split xml_merge xml2json json2xml xmltodict yamldiff yamale yq-go shyaml yaml-lint \
            yaml2toml toml2yaml tomli toml-sort toml-fmt ini2json dsv datamash-bash csvfix csvtool csv-nix recsel recinf recfmt rec2csv \
            csv2rec recfix hxl-tools goodtables frictionless tableschema vdiff parquet2csv parquet-schema parquet-cat parquet-reader \
            parquet-head parq pqview orc-contents orc-metadata orc-statistics avro-cat protobuf-inspector protoscope pq-proto \
            msgpack2json json2msgpack cbor2diag cbor2json cbor2yaml bson2json bsondump plistlib dbf2csv mdb-tables mdb-export mdb-schema \
            mdb-json mdb-queries mdb-ver xlsx2json xlsxdiff xl2csv excel2csv ods2csv scim gnumeric-convert spreadsheet2csv unoconvert \
            pdftables tabula camelot qsv-lite xsv-table tsv-sample tsv-split number-lines keep-header csv-sort sdc s3select fsql sqlglot \
            sqlparse sqlformat pgsanity pg_query pgspot pgextwlist migra-diff apgdiff fselect exa-sql lnav-sql toolong tl klogg glogg \
            logdy jlv json-log-viewer fblog zq super zed-lang lnav-headless logfmt gonzo lazyjournal awstats.pl visitors analog anonip \
            apachetop ngxtop asql wtop logresolve split-logfile ab2csv",
    ),
    (
        "spell names, numbers, times and codes another way",
        "dateutils dateadd datediff dateconv dateseq dateround dategrep datesort datetest datezone strptime ddiff dadd dconv dgrep \
            dround dseq dtest dzone pcal cal3 ncal6 ical2csv chronic-date epoch ts2date unixtime tzselect zdump-all timedif humanize \
            numfmt-all human pretty-bytes bytes sizefmt qalculate-qt insect numbat fend kalker rink eva clac dc-calc genius speedcrunch \
            wcalc tcalc apcalc idn idn2 punycode uni unum charinfo gucharmap hexed xxd-rs heksa ghex fq binviz bingrep entropy dieharder \
            ministat histogram st-stats stats dstats gstat-stats num-utils numsum numgrep numbound numaverage numround numnormalize \
            seqtool bc-calc asciinema2gif asciicast2gif gifenc termsvg freeze silicon germanium polaroid ansi2html aha ansifilter \
            ansi2txt colorized-logs highlight source-highlight chroma bat-extras batgrep batman batdiff prettybat vimcat nvimpager ccat \
            lolcrab pastel sysvbanner figlist banner6 letterpress neo-matrix tty-clock peaclock clock-tui countdown termdown pomo porsmo",
    ),
];
