//! Programs of everyday work: `guarded` lets them run though no row says what their arguments do.
//!
//! What a group does was reviewed, not every option: words that say that something is deleted, options that write
//! elsewhere or run code, and disks among the words are looked at all the same. What changes the system, other hosts
//! or shared services does not belong here, but in a table with rows.

/// What the programs of a group do, and their names, separated by spaces.
pub(super) const GROUPS: &[(&str, &str)] = &[
    (
        "compile, assemble and link",
        "gcc-ar gcc-nm gcc-ranlib cpp gfortran f77 f95 flang flang-new ifort ifx icc icpc icx icpx pcc tcc c89 c99 gnat gnatmake gnatbind \
            gprbuild gdc dmd ldc2 gccgo clang-cl clang-cpp nvcc hipcc dpcpp ispc nasm yasm fasm ca65 ld65 cl65 sdcc avr-gcc zig ocaml ocamlc \
            ocamlopt ocamlfind ocamlbuild fpc mono mcs fsc fsharpc kotlinc scalac scala-cli groovyc swift swiftc crystal nim vlang odin hare \
            gleam elm elm-make purs spago idris idris2 agda coqc coqtop coq_makefile rocq lean isabelle mlton smlnj polyc polyml ecl clisp \
            chibi-scheme gsc gsi chez chezscheme erlc elixirc escript dart dart2js flutter haxe solc forge vyper emcc em++ wasm-ld \
            wasm2wat wat2wasm wasm-opt wasm-objdump wasm-pack wasm-bindgen wasm-tools wasm-validate ld.lld lld ld.gold ld.bfd mold gold dwp \
            llc opt llvm-ar llvm-as llvm-config llvm-cov llvm-dis llvm-link llvm-nm llvm-objcopy llvm-objdump llvm-profdata llvm-ranlib \
            llvm-readelf llvm-readobj llvm-size llvm-strip llvm-symbolizer llvm-mca llvm-dwarfdump ranlib libtool strip objcopy elfedit \
            windres windmc dlltool lipo otool install_name_tool dsymutil patchelf chrpath gprof gcov gcov-tool cxxfilt vala valac \
            blueprint-compiler glib-compile-schemas glib-compile-resources glib-genmarshal glib-mkenums gdbus-codegen g-ir-scanner \
            g-ir-compiler moc uic rcc qmlcachegen lrelease lupdate pyuic5 pyrcc5 pyside6-uic",
    ),
    (
        "make code, parsers, bindings and schemes",
        "protoc buf protolint flatc capnp thrift avro-tools bison yacc byacc flex lex ragel re2c antlr antlr4 peg leg lemon gperf swig \
            cython cythonize f2py bindgen cbindgen glslc glslangValidator spirv-as spirv-dis spirv-val spirv-opt spirv-cross naga dxc rpcgen \
            xsd xjc wsimport quicktype datamodel-codegen openapi-generator openapi-generator-cli openapi-typescript swagger-codegen \
            swagger-cli swagger oapi-codegen redocly redoc-cli spectral graphql-codegen apollo rover relay-compiler sqlc ent templ stringer \
            mockgen mockery wire swag gotests gomodifytags impl go-bindata gqlgen goctl kratos easyjson msgp controller-gen kubebuilder \
            operator-sdk deepcopy-gen client-gen hygen plop yo cookiecutter copier cruft degit create-react-app create-next-app create-vite \
            json-schema-to-typescript json2ts intltoolize gettextize xgettext msgfmt msgmerge msginit msgcat msgattrib msgcmp msgconv msgen \
            msggrep msgunfmt msguniq ngettext gettext envsubst pybabel verilator iverilog vvp yosys nextpnr-ice40 nextpnr-ecp5 icepack ghdl \
            gtkwave vcd2fst sby cocotb-config fusesoc",
    ),
    (
        "build and package what lies here",
        "nx turbo kustomize bmake pmake scons meson bazel bazelisk buck buck2 pants blaze ibazel please earthly earth rush moon grunt gulp brunch wireit \
            bear compiledb b2 bjam xmake premake4 premake5 qmake ccmake cpack autoconf automake autoheader aclocal autoreconf autoupdate \
            autoscan autom4te libtoolize glibtoolize imake xmkmf tup redo redo-ifchange samu mage waf fpm nfpm dpkg-buildpackage debuild dh \
            debhelper dh_make dpkg-source dpkg-architecture dpkg-parsechangelog dpkg-shlibdeps dpkg-gencontrol dpkg-genchanges \
            dpkg-checkbuilddeps dpkg-scanpackages dch debchange lintian uscan debsign rpmbuild rpmlint rpmspec rpmdev-bumpspec \
            rpmdev-setuptree rpmdev-vercmp makepkg namcap abuild flatpak-builder appimagetool linuxdeploy dune jbuilder esy \
             v rebar hpack mill amm bloop coursier cs metals jar javap javadoc jlink jdeps jdeprscan jmod jpackage \
            jarsigner d8 r8 dx aapt aapt2 apksigner zipalign bundletool apktool jadx gradle-profiler xcodebuild xcrun xcpretty xcbeautify \
            agvtool carthage msbuild xbuild paket cake gn gyp node-gyp node-pre-gyp prebuildify napi neon maturin pyproject-build \
            towncrier bumpversion bump2version bump-my-version versioneer check-manifest check-wheel-contents auditwheel delocate-wheel \
            abi3audit pyinstaller nuitka nuitka3 py2app briefcase shiv pex cargo-nextest cargo-clippy cargo-fmt cargo-deny cargo-audit \
            cargo-make cargo-zigbuild cargo-chef cross trunk rust-script wasm-snip genisoimage mkisofs xorrisofs mksquashfs unsquashfs \
            sqfstar mkimage dtc fdtdump fdtget docker-slim buildah ko nixpacks jib",
    ),
    (
        "run tests and measure them",
        "py.test tox nox nosetests nosetests3 unit2 green ward behave behave2 robot pabot lettuce coverage coverage3 pytest-watch ptw \
            pytest-benchmark testr stestr stryker mutmut cosmic-ray vitest jasmine karma nightwatch wdio protractor testcafe tap tape c8 nyc \
            qunit web-test-runner wtr playwright cypress start-server-and-test cucumber cucumber-js spring guard parallel_rspec \
            parallel_test zeus shunit2 shellspec bashunit roundup cram codecept behat phpspec paratest infection atoum gotestsum gotest \
            ginkgo gocov gocov-xml gocover-cobertura richgo go-junit-report benchstat benchcmp k6 locust wrk wrk2 ab hey vegeta siege jmeter \
            gatling bombardier oha autocannon artillery newman hurl tavern dredd schemathesis allure gcovr lcov genhtml kcov bisect_ppx \
            fastcov grcov codecov coveralls tarpaulin ctest gtest-parallel lit FileCheck llvm-lit nunit3-console xunit.console \
            vstest.console dotnet-coverage reportgenerator testem ember-test afl-fuzz afl-cmin afl-tmin afl-showmap honggfuzz radamsa iperf \
            iperf3 netperf qperf sysbench stress stress-ng hyperfine bonnie++ dbench iozone ioping geekbench5 geekbench6 glmark2 sockperf \
            fortio ghz h2load nghttp goss dgoss inspec testinfra serverspec bats-core conftest opa kitchen-test maestro appium",
    ),
    (
        "check, format and correct sources",
        "eslint eslint_d prettier prettierd standard semistandard xo jshint jslint tslint stylelint htmlhint tidy csslint markdownlint \
            markdownlint-cli2 mdl remark remark-cli textlint vale proselint write-good alex cspell codespell typos misspell ruff black \
            blackd isort flake8 pylint pyflakes pycodestyle pydocstyle pep8 mypy dmypy stubgen stubtest pyright basedpyright pyre pytype ty \
            bandit safety vulture radon xenon autopep8 yapf autoflake pyupgrade docformatter blue darker djlint djhtml curlylint refurb \
            sourcery interrogate deptry pydeps pipdeptree pip-audit pip-compile pip-licenses import-linter lint-imports fixit 2to3 futurize \
            modernize rubocop reek standardrb brakeman bundler-audit bundle-audit fasterer erblint erb_lint haml-lint slim-lint sorbet srb \
            steep rbs typeprof golangci-lint gofmt goimports gofumpt golines golint staticcheck revive govulncheck gosec errcheck \
            ineffassign gci gocyclo gocritic nilaway deadcode unparam shellcheck shfmt bashate checkbashisms shellharden hadolint dockle \
            dockerfilelint yamllint yamlfmt yamlfix jsonlint jsonschema check-jsonschema ajv ajv-cli actionlint zizmor checkov tfsec tflint \
            terrascan trivy grype syft snyk semgrep opengrep bearer gitleaks trufflehog detect-secrets noseyparker talisman clang-format \
            clang-tidy clang-check clang-query clang-apply-replacements run-clang-tidy git-clang-format cppcheck cpplint cppclean flawfinder \
            splint sparse spatch include-what-you-use iwyu_tool iwyu_tool.py uncrustify astyle indent cmake-format cmake-lint gersemi ktlint \
            detekt spotless google-java-format checkstyle pmd spotbugs scalafmt scalafix scalastyle swiftlint swiftformat swift-format \
            dartfmt phpcs phpcbf php-cs-fixer phpstan psalm phpmd phpcpd phploc phpmetrics rector phan pint deptrac parallel-lint perlcritic \
            perltidy luacheck stylua selene hlint ormolu fourmolu stylish-haskell brittany floskell weeder ocamlformat ocp-indent elvis \
            credo dialyzer ameba nimpretty sqlfluff sqlfmt pg_format sql-formatter squawk sqlint buildifier buildozer rustfmt taplo dprint \
            biome deno-lint oxlint rome editorconfig-checker ec pre-commit prek lefthook husky lint-staged overcommit commitlint gitlint cz \
            commitizen license-checker licensee licensecheck reuse scancode addlicense ast-grep comby coccinelle jscpd knip depcheck madge \
            dependency-cruiser ts-prune ts-unused-exports type-coverage attw publint syncpack manypkg sort-package-json size-limit \
            bundlesize source-map-explorer webpack-bundle-analyzer ncu npm-check npm-check-updates taze update-browserslist-db browserslist \
            lighthouse lhci pa11y axe html-validate vnu linkinator lychee muffet markdown-link-check kubeval kubeconform kube-score \
            kube-linter polaris pluto datree cfn-lint cfn_nag cfn_nag_scan cfn-guard terraform-docs infracost regal alejandra nixfmt \
            nixpkgs-fmt statix deadnix verible-verilog-lint verible-verilog-format svlint vsg mdformat doctoc mado rumdl xmlindent xmlformat \
            xmlcatalog onchange tsc-alias cargo-machete cargo-geiger cargo-bloat cargo-expand cargo-outdated cargo-msrv cargo-semver-checks \
            cargo-udeps cargo-hack",
    ),
    (
        "answer editors about sources",
        "clangd ccls rust-analyzer gopls pylsp pyls jedi-language-server ruff-lsp solargraph ruby-lsp typescript-language-server tsserver \
            bash-language-server yaml-language-server vscode-json-language-server vscode-html-language-server vscode-css-language-server \
            vscode-eslint-language-server docker-langserver lua-language-server intelephense phpactor jdtls kotlin-language-server omnisharp \
            csharp-ls elixir-ls sourcekit-lsp terraform-ls helm-ls marksman texlab ltex-ls zls nil nixd ocamllsp haskell-language-server \
            nimlangserver svelteserver vue-language-server tailwindcss-language-server asm-lsp cmake-language-server tree-sitter ctags etags \
            global gtags htags cscope cflow cproto cxref doxygen universal-ctags",
    ),
    (
        "start what the project at hand is, for the one who works on it",
        "molecule dagger websocat wscat ccache sccache ddev lando webpack webpack-cli webpack-dev-server vite rollup esbuild parcel swc babel babel-node snowpack tsup tsdown unbuild ncc tsx \
            ts-node ts-node-dev esno nodemon concurrently npm-run-all npm-run-all2 run-s run-p wait-on env-cmd next nuxt nuxi remix \
            react-router gatsby ng nest vue vue-cli-service vue-tsc svelte-check svelte-kit react-scripts craco react-native ionic ember \
            stencil storybook start-storybook build-storybook qwik tailwindcss tailwind postcss sass node-sass lessc stylus autoprefixer \
            cleancss csso uglifyjs terser html-minifier html-minifier-terser svgo purgecss corepack http-server serve live-server \
            browser-sync json-server typedoc jsdoc esdoc documentation api-extractor electron electron-forge electron-builder tauri cordova \
            phonegap metro eleventy astro hugo jekyll zola pelican nikola hexo antora vuepress vitepress docusaurus mkdocs mdbook honkit \
            gitbook sphinx-build sphinx-quickstart sphinx-apidoc sphinx-autobuild pdoc pdoc3 pydoc pydoc3 godoc pkgsite rdoc ri yard yardoc \
            middleman bridgetown flask django-admin uvicorn gunicorn hypercorn daphne granian waitress-serve fastapi streamlit gradio panel \
            voila chainlit dash celery rq dramatiq huey arq puma unicorn thin rackup falcon foreman overmind hivemind honcho sidekiq rerun \
            shotgun quarkus mn boot air reflex CompileDaemon realize watchexec cargo-watch bacon docker-sync mailhog mailpit localstack \
            awslocal tflocal samlocal act devbox devenv lorri jupyter jupyter-lab jupyter-notebook \
            jupyter-nbconvert jupyter-console nbconvert nbstripout nbdime nbdiff papermill jupytext bpython ptpython ptipython invoke inv \
            doit dvc dbt kedro luigi scrapy mlflow tensorboard accelerate torchrun deepspeed horovodrun snakemake nextflow cromwell cwltool \
            cwl-runner wandb huggingface-cli hf transformers-cli spacy rasa whisper llama-cli virtualenv workon deactivate activate nvm fnm \
            sdk jenv goenv tfenv tgenv plenv phpenv chruby nodebrew crenv py pyw pyenv-virtualenv virtualenvwrapper symfony phpize \
            php-config",
    ),
    (
        "find faults in running programs",
        "cgdb ddd gdbserver delve dlv rdbg byebug pudb pdb3 py-spy memray mprof kernprof scalene austin viztracer snakeviz pyinstrument \
            valgrind callgrind_annotate cg_annotate cg_diff ms_print kcachegrind qcachegrind massif-visualizer heaptrack_print heaptrack_gui \
            flamegraph flamegraph.pl stackcollapse-perf.pl stackcollapse.pl inferno-flamegraph inferno-collapse-perf hotspot pprof go-torch \
            asprof async-profiler jconsole jvisualvm visualvm jmc jhat jol arthas gprofng eu-readelf eu-stack eu-addr2line eu-nm eu-objdump \
            eu-strings eu-unstrip eu-elflint pstack gstack stackprof rbspy phpspy vmtouch fincore radiff2 rabin2 rasm2 rax2 rahash2 rafind2 \
            ragg2 binwalk yara bloaty uftrace sysdig csysdig opensnoop execsnoop biolatency biosnoop biotop cachestat tcpconnect tcplife \
            tcpretrans tcptop runqlat profile-bpfcc nsys nvprof cuda-gdb cuobjdump nvdisasm compute-sanitizer cuda-memcheck rocprof vtune \
            advixe-cl hpcrun hpcprof scalasca likwid-topology likwid-perfscope tau_exec pstop apitrace renderdoccmd sentry-cli bugsnag-cli \
            abrt-cli apport-cli apport-unpack strace-log-merge",
    ),
    (
        "work on text and structured data",
        "age age-keygen sops minisign signify gojq jaq fx jless jo jc jp jpp jid jsondiff json_pp json_reformat json_verify json_xs jd jql jello jtbl dyff yj yaml2json \
            json2yaml toml2json json2toml yaml-merge yamlpath yaml-get ytt jsonnet jsonnetfmt cue kcl dhall dhall-to-json pkl hcl2json \
            csvclean csvsql csvpy sql2csv tsv-select tsv-filter tsv-summarize tsv-join tsv-uniq tsv-pretty tsv-append csv2tsv xlsx2csv \
            xls2csv ssconvert visidata vd q textql dsq octosql trdsql roapi datasette parquet-tools parquet-cli pqrs avrocat sq sqldiff \
            sqlite3_analyzer pup htmlq xidel hxnormalize hxselect hxpipe xpath xsltproc xalan saxon trang jing rapper riot rdfpipe html2text \
            html2markdown w3m lynx elinks links links2 unrtf antiword catdoc catppt xls2txt docx2txt odt2txt iconv uconv recode dos2unix \
            unix2dos mac2unix unix2mac fromdos todos enca chardetect uchardet nkf ascii unicode uniname unac translit figlet toilet lolcat \
            cowsay cowthink boxes banner fortune pwgen apg uuidgen uuid uuidparse mcookie diceware xkcdpass mkpasswd argon2 bcrypt md5 sha1 \
            sha256 md5deep sha1deep sha256deep hashdeep cfv cksfv blake3 xxhash xxh32sum jacksum par2 base58 basez base91 ascii2uni \
            rdiff bsdiff bspatch xdelta3 combinediff interdiff splitdiff rediff recountdiff grepdiff flipdiff unwrapdiff wiggle meld kdiff3 \
            kompare diffuse opendiff icdiff ydiff delta diff-so-fancy diffoscope diff-pdf daff csvdiff json-diff spell aspell hunspell \
            ispell enchant-2 sdcv dict dictd trans qrencode zbarimg gunits qalc calc gcal remind when calcurse khal khard todo.sh \
            timew timetrap jrnl nb zk hledger hledger-ui ledger beancount bean-check bean-query fava rga ucg sift cgrep pcregrep pcre2grep \
            agrep tre-agrep ggrep ripgrep fzf fzy peco sk percol gum dialog whiptail zenity kdialog yad choose hck sd teip sttr zet huniq \
            runiq frawk goawk miller ul nroff troff groff grog soelim tbl eqn pic preconv zsoelim ctioga errno isutf8 combine vis unvis jot \
            lam rs uudecode uuencode mimencode qprint quoted-printable base32hex numdiff spiff ccze hl humanlog pino-pretty bunyan pino \
            agrind angle-grinder goaccess webalizer logstalgia gource tailspin tspin jl klp logcli ploticus spark bar-chart termgraph \
            asciigraph youplot uplot feedgnuplot guff sparklines m4",
    ),
    (
        "make and change images, sound and film",
        "convert magick montage composite compare animate display conjure gm ffmpeg ffplay ffprobe-batch avconv sox soxi play rec lame \
            mpg123 mpg321 ogg123 flac metaflac oggenc oggdec ogginfo opusenc opusdec opusinfo vorbiscomment mp3gain mp3val aacgain \
            normalize-audio eyeD3 id3v2 id3tool mid3v2 mutagen-inspect mkvinfo mkvmerge mkvextract mkvpropedit MP4Box mp4info mp4dump \
            mp4fragment HandBrakeCLI x264 x265 SvtAv1EncApp aomenc aomdec dav1d rav1e vpxenc vpxdec gst-launch-1.0 gst-inspect-1.0 \
            gst-discoverer-1.0 gst-play-1.0 mpv mplayer mencoder vlc cvlc aplay arecord paplay parec pacat speaker-test timidity fluidsynth \
            lilypond abc2midi yt-dlp youtube-dl gallery-dl streamlink spotdl you-get exiv2 exif jhead jpegoptim jpegtran cjpeg \
            djpeg optipng pngquant pngcrush pngcheck oxipng zopflipng advpng cwebp dwebp gif2webp webpinfo webpmux avifenc avifdec \
            heif-convert heif-enc heif-info cjxl djxl gifsicle gifski inkscape rsvg-convert cairosvg svg2png svgcleaner scour potrace \
            autotrace vtracer dcraw darktable-cli rawtherapee-cli feh sxiv nsxiv imv eog gthumb viu chafa catimg timg jp2a tiv icat pnmtopng \
            pngtopnm ppmtojpeg anytopnm pnmscale povray luxcorerender meshlabserver meshlab assimp gltf-transform gltfpack openscad \
            prusa-slicer slic3r cura dot neato fdp sfdp twopi circo osage patchwork gvpack gvgen tred unflatten ccomps acyclic dijkstra \
            gxl2gv plantuml mmdc mermaid ditaa seqdiag blockdiag actdiag nwdiag d2 structurizr-cli pikchr svgbob erd eralchemy tbls \
            schemaspy tesseract ocrmypdf unpaper scanimage gocr espeak espeak-ng festival flite pico2wave piper text2wave alass ffsubsync \
            subliminal scrot maim grim slurp xwd flameshot gnome-screenshot spectacle asciinema agg ttyrec ttyplay svg-term termtosvg vhs \
            terminalizer fc-list fc-match fc-query fc-scan fc-cat otfinfo ttx pyftsubset fonttools woff2_compress woff2_decompress sfnt2woff \
            ttf2woff barcode zint bwscanner",
    ),
    (
        "set and turn documents",
        "latex pdflatex xelatex lualatex tex pdftex xetex luatex latexmk bibtex bibtex8 biber makeindex xindy makeglossaries dvips dvipdf \
            dvipdfm dvipdfmx xdvipdfmx dvisvgm dvipng tex4ht htlatex make4ht latexpand latexdiff latexindent latexrun lacheck chktex \
            texcount texfot texdoc kpsewhich tectonic typst arara rubber lyx libreoffice soffice unoconv unoserver abiword wkhtmltopdf \
            wkhtmltoimage weasyprint prince chromium chromium-browser google-chrome chrome firefox ebook-convert ebook-meta ebook-viewer \
            epubcheck pdftotext pdftohtml pdftoppm pdftocairo pdfimages pdffonts pdfseparate pdfunite pdfdetach pdfattach pdfsig pdftk qpdf \
            mutool pdfcrop pdfjam pdfnup pdfbook pdfgrep pdfcpu pdf2svg pdf2txt.py pdfplumber ps2pdf pdf2ps ps2ascii ps2eps epstopdf eps2eps \
            pdf2dsc a2ps enscript mpage psnup psselect psbook evince okular zathura xpdf mupdf asciidoctor asciidoctor-pdf asciidoc a2x adoc \
            markdown multimarkdown cmark cmark-gfm commonmark kramdown redcarpet marked markdown-it showdown glow mdcat mdv grip rst2html \
            rst2html5 rst2pdf rst2latex rst2man rstcheck help2man txt2man ronn scdoc pod2man pod2html pod2text perldoc go-md2man man2html \
            mandoc makeinfo texi2pdf texi2dvi texi2any pandoc-citeproc pandoc-crossref quarto myst jupyter-book revealjs marp slidev mdp \
            lookatme patat present docbook2html xmlto dblatex fop deckset impressive",
    ),
    (
        "compute: science, maps, mathematics, models",
        "samtools bcftools bedtools bwa bwa-mem2 bowtie bowtie2 bowtie2-build hisat2 hisat2-build STAR salmon kallisto minimap2 fastqc \
            multiqc fastp trimmomatic cutadapt trim_galore seqtk seqkit csvtk blastn blastp blastx tblastn makeblastdb blastdbcmd diamond \
            mmseqs hmmsearch hmmscan hmmbuild muscle mafft clustalo clustalw raxml raxml-ng iqtree iqtree2 fasttree FastTree gatk picard \
            freebayes vcftools vcf-sort vcf-merge plink plink2 tabix bgzip fastq-dump fasterq-dump prefetch vdb-validate featureCounts \
            htseq-count stringtie rsem-calculate-expression spades.py megahit flye canu quast.py busco prokka bakta kraken2 bracken \
            metaphlan humann mosdepth bamCoverage computeMatrix plotHeatmap macs2 macs3 liftOver bedGraphToBigWig wigToBigWig \
            bigWigToBedGraph faToTwoBit blat nanoplot NanoPlot medaka racon pilon snpEff SnpSift vep bamtools sambamba sratoolkit cd-hit \
            vsearch usearch qiime mothur obabel obminimize xtb orca psi4 pw.x lmp lammps gmx gmx_mpi cp2k cp2k.psmp nwchem namd2 namd3 \
            sander pmemd antechamber tleap cpptraj vmd vina smina gnina propka3 vasp_std vasp_gam siesta abinit dftb+ gpaw ase phonopy \
            gdalinfo gdal_translate gdalwarp gdaladdo gdaldem gdalbuildvrt gdaltindex gdal_rasterize gdal_calc.py gdal_merge.py \
            gdal_polygonize.py gdalsrsinfo gdallocationinfo gdal_contour ogrinfo ogr2ogr ogrmerge.py proj cs2cs projinfo geod gmt grass \
            saga_cmd qgis_process osmium osmosis osmconvert osmfilter tippecanoe mapshaper shp2pgsql raster2pgsql pgsql2shp las2las lasinfo \
            las2txt pdal untwine rio fio exactextract h3 ncdump ncgen nccopy ncks ncrcat ncra ncea ncwa ncbo ncap2 ncatted ncrename cdo \
            grib_ls grib_get grib_dump wgrib wgrib2 eccodes_info h5dump h5ls h5stat h5diff h5copy h5repack h5cc fitsinfo fitsheader \
            fitscheck funpack fpack ds9 solve-field sextractor swarp scamp hadd rootls rootbrowse rootcling root-config gretl pspp glpsol \
            cbc scip highs gurobi_cl cplex minizinc clingo gringo clasp z3 cvc4 cvc5 yices boolector bitwuzla minisat cadical kissat glucose \
            alloy tlc apalache-mc why3 frama-c cbmc esbmc klee prism storm spin nusmv ngspice xyce omc blockMesh snappyHexMesh simpleFoam \
            pisoFoam icoFoam interFoam foamRun decomposePar reconstructPar checkMesh foamToVTK gmsh elmersolver ElmerSolver ccx cgx febio \
            paraview pvbatch meshio tetgen triangle qhull gap gp sage magma singular Singular M2 macaulay2 pari vw fasttext lightgbm xgboost \
            weka mahout julia-config sreport qstat qhost pbsnodes bjobs bqueues bhosts lsload condor_q \
            condor_status condor_history module ml modulecmd orted ompi_info mpicc mpicxx mpic++ mpif77 mpif90 mpifort mpichversion \
            h5pcc h5fc nccmp",
    ),
    (
        "pack and unpack",
        "funzip zipnote zipsplit lzma unlzma lzip plzip lzop lz4 unlz4 brotli compress uncompress pigz unpigz pbzip2 lbzip2 pixz pxz \
            zopfli 7zr 7zz unar unace arj unarj lha lhasa cabextract unshield innoextract unzipsfx rpm2cpio rpm2archive dtrx \
            atool aunpack als apack unp dar zpaq lrzip lrunzip lrztar zpipe bunzip3 bzip3 snzip unsnappy zstdmt pzstd ouch sit unstuff xar \
            fsarchiver-probe wimlib-imagex wiminfo isosize asar",
    ),
    (
        "look at the system, the desktop and what runs",
        "dive kubectx kubens gotop bashtop bpytop s-tui iotop-c ctop lazydocker lazygit stern kail kubetail k8sgpt popeye kubecolor gitui tig gitk git-cola \
            ranger nnn lf vifm yazi broot xplr joshuto ytop zenith nvtop nvitop gpustat rocm-smi intel_gpu_top radeontop tiptop cpufetch \
            pfetch onefetch macchina hyfetch archey hwloc-diff vkcube vulkaninfo clinfo vainfo eglinfo es2_info xdpyinfo xwininfo xprop xev \
            xlsclients xlsatoms xlsfonts edid-decode get-edid getpcaps aa-features-abi sw_vers system_profiler vm_stat mdfind mdls \
            ioreg kextstat nettop lsappinfo pbcopy pbpaste xclip xsel wl-copy wl-paste notify-send speedtest speedtest-cli fast-cli \
            librespeed-cli httping tcping subnetcalc ipv6calc prips dnsx dnsperf curlie certigo testssl testssl.sh sslyze whatweb mtr-packet \
            tcptraceroute lft dublin-traceroute vnstati iptraf-ng trafshow speedometer termshark capinfos mergecap editcap reordercap \
            text2pcap tcpslice tcpstat rawshark lsdvd dvdinfo cd-info lspower acpi_listen lsinput tldr cheat howdoi navi cht.sh bropages eg \
            manly starship zoxide autojump j fasd atuin mcfly hstr dircolors ll la lla l clear resize tabs tset toe ttysize sl cmatrix \
            asciiquarium pipes.sh bastet nyancat reset logger lastlog2 lslogins lsusers getopt ddate pkg-config pkgconf llvm-lto \
            config.guess config.sub krb5-config xml2-config xslt-config curl-config freetype-config sdl2-config python-config python3-config \
            ruby-config pcre-config apr-1-config apu-1-config icu-config libpng-config mysql_config mariadb_config net-snmp-config \
            ncurses6-config ncursesw6-config wx-config gsl-config nc-config nf-config geos-config gdal-config apt-show-versions apt-rdepends \
            apt-listchanges dpigs debtree pactree pacsearch paclist paccheck expac pkgfile portageq qlist qfile ngrep tcpflow fc-cache \
            mktemp getopts",
    ),
    (
        "look after the project's history",
        "git-lfs git-flow git-absorb git-branchless git-cliff git-chglog git-town git-machete git-extras git-standup git-quick-stats \
            git-sizer git-who git-fame git-bug stg quilt guilt topgit gitversion standard-version auto-changelog conventional-changelog \
            conventional-changelog-cli conventional-commits svnversion svnlook cvsps ci-rcs co-rcs rlog merge-rcs \
            git-interactive-rebase-tool difftastic mergiraf gitmoji gitmoji-cli czg git-cz changie chglog scriv reno",
    ),
    (
        "ask databases and services from a terminal, or look into their files",
        "redis-benchmark pgcli mycli litecli usql iredis pgbadger pgmetrics pg_filedump pg_verifybackup pg_test_fsync pg_test_timing sstablemetadata \
            sstabledump kafka-console-consumer kafka-console-consumer.sh kafka-dump-log kafka-dump-log.sh kafka-verifiable-consumer \
            mosquitto_sub ldapcompare ldapurl snmpget snmpwalk snmpbulkwalk snmpgetnext snmptable snmptranslate snmpstatus smbtree \
            promlens tempo-cli",
    ),
];
