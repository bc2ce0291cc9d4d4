//! Programs that build, check and try what lies here.

use super::Group;

pub(super) const GROUPS: &[Group] = &[
    (
        "compile, assemble and link",
        "gcc-ar gcc-nm gcc-ranlib cpp gfortran f77 f95 flang flang-new ifort ifx icc icpc icx icpx pcc tcc c89 c99 gnat gnatmake \
            gnatbind gprbuild gdc dmd ldc2 gccgo clang-cl clang-cpp nvcc hipcc dpcpp ispc nasm yasm fasm ca65 ld65 cl65 sdcc avr-gcc zig \
            ocaml ocamlc ocamlopt ocamlfind ocamlbuild fpc mono mcs fsc fsharpc kotlinc scalac scala-cli groovyc swift swiftc crystal \
            nim vlang odin hare gleam elm elm-make purs spago idris idris2 agda coqc coqtop coq_makefile rocq lean isabelle mlton smlnj \
            polyc polyml ecl clisp chibi-scheme gsc gsi chez chezscheme erlc elixirc escript dart dart2js flutter haxe solc forge vyper \
            emcc em++ wasm-ld wasm2wat wat2wasm wasm-opt wasm-objdump wasm-pack wasm-bindgen wasm-tools wasm-validate ld.lld lld ld.gold \
            ld.bfd mold gold dwp llc opt llvm-ar llvm-as llvm-config llvm-cov llvm-dis llvm-link llvm-nm llvm-objcopy llvm-objdump \
            llvm-profdata llvm-ranlib llvm-readelf llvm-readobj llvm-size llvm-strip llvm-symbolizer llvm-mca llvm-dwarfdump ranlib \
            libtool strip objcopy elfedit windres windmc dlltool lipo otool install_name_tool dsymutil patchelf chrpath gprof gcov \
            gcov-tool cxxfilt vala valac blueprint-compiler glib-compile-schemas glib-compile-resources glib-genmarshal glib-mkenums \
            gdbus-codegen g-ir-scanner g-ir-compiler moc uic rcc qmlcachegen lrelease lupdate pyuic5 pyrcc5 pyside6-uic",
    ),
    (
        "make code, parsers, bindings and schemes",
        "protoc buf protolint flatc capnp thrift avro-tools bison yacc byacc flex lex ragel re2c antlr antlr4 peg leg lemon gperf \
            swig cython cythonize f2py bindgen cbindgen glslc glslangValidator spirv-as spirv-dis spirv-val spirv-opt spirv-cross naga \
            dxc rpcgen xsd xjc wsimport quicktype datamodel-codegen openapi-generator openapi-generator-cli openapi-typescript \
            swagger-codegen swagger-cli swagger oapi-codegen redocly redoc-cli spectral graphql-codegen apollo rover relay-compiler sqlc \
            ent templ stringer mockgen mockery wire swag gotests gomodifytags impl go-bindata gqlgen goctl kratos easyjson msgp \
            controller-gen kubebuilder operator-sdk deepcopy-gen client-gen hygen plop yo cookiecutter copier cruft degit \
            create-react-app create-next-app create-vite json-schema-to-typescript json2ts intltoolize gettextize xgettext msgfmt \
            msgmerge msginit msgcat msgattrib msgcmp msgconv msgen msggrep msgunfmt msguniq ngettext gettext envsubst pybabel verilator \
            iverilog vvp yosys nextpnr-ice40 nextpnr-ecp5 icepack ghdl gtkwave vcd2fst sby cocotb-config fusesoc",
    ),
    (
        "build and package what lies here",
        "nx turbo kustomize bmake pmake scons bazel bazelisk buck buck2 pants blaze ibazel please earthly earth rush moon grunt gulp \
            brunch wireit bear compiledb b2 bjam xmake premake4 premake5 qmake ccmake cpack autoconf automake autoheader aclocal \
            autoreconf autoupdate autoscan autom4te libtoolize glibtoolize imake xmkmf tup redo redo-ifchange samu mage waf fpm nfpm \
            dpkg-buildpackage debuild dh debhelper dh_make dpkg-source dpkg-architecture dpkg-parsechangelog dpkg-shlibdeps \
            dpkg-gencontrol dpkg-genchanges dpkg-checkbuilddeps dpkg-scanpackages dch debchange lintian uscan debsign rpmbuild rpmlint \
            rpmspec rpmdev-bumpspec rpmdev-setuptree rpmdev-vercmp makepkg namcap abuild flatpak-builder appimagetool linuxdeploy dune \
            jbuilder esy v rebar hpack mill amm bloop coursier cs metals jar javap javadoc jlink jdeps jdeprscan jmod jpackage jarsigner \
            d8 r8 dx aapt aapt2 apksigner zipalign bundletool apktool jadx gradle-profiler xcodebuild xcrun xcpretty xcbeautify agvtool \
            carthage msbuild xbuild paket cake gn gyp node-gyp node-pre-gyp prebuildify napi neon maturin pyproject-build towncrier \
            bumpversion bump2version bump-my-version versioneer check-manifest check-wheel-contents auditwheel delocate-wheel abi3audit \
            pyinstaller nuitka nuitka3 py2app briefcase shiv pex cargo-nextest cargo-clippy cargo-fmt cargo-deny cargo-audit cargo-make \
            cargo-zigbuild cargo-chef cross trunk rust-script wasm-snip genisoimage mkisofs xorrisofs mksquashfs unsquashfs sqfstar \
            mkimage dtc fdtdump fdtget docker-slim buildah ko nixpacks jib",
    ),
    (
        "run tests and measure them",
        "py.test tox nox nosetests nosetests3 unit2 green ward behave behave2 robot pabot lettuce coverage coverage3 pytest-watch ptw \
            pytest-benchmark testr stestr stryker mutmut cosmic-ray vitest jasmine karma nightwatch wdio protractor testcafe tap tape c8 \
            nyc qunit web-test-runner wtr playwright cypress start-server-and-test cucumber cucumber-js spring guard parallel_rspec \
            parallel_test zeus shunit2 shellspec bashunit roundup cram codecept behat phpspec paratest infection atoum gotestsum gotest \
            ginkgo gocov gocov-xml gocover-cobertura richgo go-junit-report benchstat benchcmp k6 locust wrk wrk2 ab hey vegeta siege \
            jmeter gatling bombardier oha autocannon artillery newman hurl tavern dredd schemathesis allure gcovr lcov genhtml kcov \
            bisect_ppx fastcov grcov codecov coveralls tarpaulin ctest gtest-parallel lit FileCheck llvm-lit nunit3-console \
            xunit.console vstest.console dotnet-coverage reportgenerator testem ember-test afl-fuzz afl-cmin afl-tmin afl-showmap \
            honggfuzz radamsa iperf iperf3 netperf qperf sysbench stress stress-ng hyperfine bonnie++ dbench iozone ioping geekbench5 \
            geekbench6 glmark2 sockperf fortio ghz h2load nghttp goss dgoss inspec testinfra serverspec bats-core conftest opa \
            kitchen-test maestro appium",
    ),
    (
        "check, format and correct sources",
        "eslint eslint_d prettier prettierd standard semistandard xo jshint jslint tslint stylelint htmlhint tidy csslint \
            markdownlint markdownlint-cli2 mdl remark remark-cli textlint vale proselint write-good alex cspell codespell typos misspell \
            ruff black blackd isort flake8 pylint pyflakes pycodestyle pydocstyle pep8 mypy dmypy stubgen stubtest pyright basedpyright \
            pyre pytype ty bandit safety vulture radon xenon autopep8 yapf autoflake pyupgrade docformatter blue darker djlint djhtml \
            curlylint refurb sourcery interrogate deptry pydeps pipdeptree pip-audit pip-compile pip-licenses import-linter lint-imports \
            fixit 2to3 futurize modernize rubocop reek standardrb brakeman bundler-audit bundle-audit fasterer erblint erb_lint \
            haml-lint slim-lint sorbet srb steep rbs typeprof golangci-lint gofmt goimports gofumpt golines golint staticcheck revive \
            govulncheck gosec errcheck ineffassign gci gocyclo gocritic nilaway deadcode unparam shellcheck shfmt bashate checkbashisms \
            shellharden hadolint dockle dockerfilelint yamllint yamlfmt yamlfix jsonlint jsonschema check-jsonschema ajv ajv-cli \
            actionlint zizmor checkov tfsec tflint terrascan trivy grype syft snyk semgrep opengrep bearer gitleaks trufflehog \
            detect-secrets noseyparker talisman clang-format clang-tidy clang-check clang-query clang-apply-replacements run-clang-tidy \
            git-clang-format cppcheck cpplint cppclean flawfinder splint sparse spatch include-what-you-use iwyu_tool iwyu_tool.py \
            uncrustify astyle indent cmake-format cmake-lint gersemi ktlint detekt spotless google-java-format checkstyle pmd spotbugs \
            scalafmt scalafix scalastyle swiftlint swiftformat swift-format dartfmt phpcs phpcbf php-cs-fixer phpstan psalm phpmd phpcpd \
            phploc phpmetrics rector phan pint deptrac parallel-lint perlcritic perltidy luacheck stylua selene hlint ormolu fourmolu \
            stylish-haskell brittany floskell weeder ocamlformat ocp-indent elvis credo dialyzer ameba nimpretty sqlfluff sqlfmt \
            pg_format sql-formatter squawk sqlint buildifier buildozer rustfmt taplo dprint biome deno-lint oxlint rome \
            editorconfig-checker ec pre-commit prek lefthook husky lint-staged overcommit commitlint gitlint cz commitizen \
            license-checker licensee licensecheck reuse scancode addlicense ast-grep comby coccinelle jscpd knip depcheck madge \
            dependency-cruiser ts-prune ts-unused-exports type-coverage attw publint syncpack manypkg sort-package-json size-limit \
            bundlesize source-map-explorer webpack-bundle-analyzer ncu npm-check npm-check-updates taze update-browserslist-db \
            browserslist lighthouse lhci pa11y axe html-validate vnu linkinator lychee muffet markdown-link-check kubeval kubeconform \
            kube-score kube-linter polaris pluto datree cfn-lint cfn_nag cfn_nag_scan cfn-guard terraform-docs infracost regal alejandra \
            nixfmt nixpkgs-fmt statix deadnix verible-verilog-lint verible-verilog-format svlint vsg mdformat doctoc mado rumdl \
            xmlindent xmlformat xmlcatalog onchange tsc-alias cargo-machete cargo-geiger cargo-bloat cargo-expand cargo-outdated \
            cargo-msrv cargo-semver-checks cargo-udeps cargo-hack",
    ),
    (
        "answer editors about sources",
        "clangd ccls rust-analyzer gopls pylsp pyls jedi-language-server ruff-lsp solargraph ruby-lsp typescript-language-server \
            tsserver bash-language-server yaml-language-server vscode-json-language-server vscode-html-language-server \
            vscode-css-language-server vscode-eslint-language-server docker-langserver lua-language-server intelephense phpactor jdtls \
            kotlin-language-server omnisharp csharp-ls elixir-ls sourcekit-lsp terraform-ls helm-ls marksman texlab ltex-ls zls nil nixd \
            ocamllsp haskell-language-server nimlangserver svelteserver vue-language-server tailwindcss-language-server asm-lsp \
            cmake-language-server tree-sitter ctags etags global gtags htags cscope cflow cproto cxref doxygen universal-ctags",
    ),
    (
        "start what the project at hand is, for the one who works on it",
        "molecule dagger websocat wscat ccache sccache ddev lando webpack webpack-cli webpack-dev-server vite rollup esbuild parcel \
            swc babel babel-node snowpack tsup tsdown unbuild ncc tsx ts-node ts-node-dev esno nodemon concurrently npm-run-all \
            npm-run-all2 run-s run-p wait-on env-cmd next nuxt nuxi remix react-router gatsby ng nest vue vue-cli-service vue-tsc \
            svelte-check svelte-kit react-scripts craco react-native ionic ember stencil storybook start-storybook build-storybook qwik \
            tailwindcss tailwind postcss sass node-sass lessc stylus autoprefixer cleancss csso uglifyjs terser html-minifier \
            html-minifier-terser svgo purgecss corepack http-server serve live-server browser-sync json-server typedoc jsdoc esdoc \
            documentation api-extractor electron electron-forge electron-builder tauri cordova phonegap metro eleventy astro hugo jekyll \
            zola pelican nikola hexo antora vuepress vitepress docusaurus mkdocs mdbook honkit gitbook sphinx-build sphinx-quickstart \
            sphinx-apidoc sphinx-autobuild pdoc pdoc3 pydoc pydoc3 godoc pkgsite rdoc ri yard yardoc middleman bridgetown flask \
            django-admin uvicorn gunicorn hypercorn daphne granian waitress-serve fastapi streamlit gradio panel voila chainlit dash \
            celery rq dramatiq huey arq puma unicorn thin rackup falcon foreman overmind hivemind honcho sidekiq rerun shotgun quarkus \
            mn boot air reflex CompileDaemon realize watchexec cargo-watch bacon docker-sync mailhog mailpit localstack awslocal tflocal \
            samlocal act devbox devenv lorri jupyter jupyter-lab jupyter-notebook jupyter-nbconvert jupyter-console nbconvert nbstripout \
            nbdime nbdiff papermill jupytext bpython ptpython ptipython invoke inv doit dvc dbt kedro luigi scrapy mlflow tensorboard \
            accelerate torchrun deepspeed horovodrun snakemake nextflow cromwell cwltool cwl-runner wandb huggingface-cli hf \
            transformers-cli spacy rasa whisper llama-cli virtualenv workon deactivate activate nvm fnm sdk jenv goenv tfenv tgenv plenv \
            phpenv chruby nodebrew crenv py pyw pyenv-virtualenv virtualenvwrapper symfony phpize php-config",
    ),
    (
        "build, check and try programs, further",
        "plz ltp cargo-leptos leptosfmt perseus dioxus cargo-tarpaulin cargo-llvm-cov cargo-mutants cargo-criterion critcmp \
            cargo-flamegraph cargo-show-asm cargo-asm cargo-modules cargo-depgraph cargo-public-api cargo-sort cargo-spellcheck \
            cargo-toml-lint cargo-about cargo-license cargo-bundle-licenses cargo-unused-features cargo-minimal-versions cargo-careful \
            cargo-component cargo-wasi cargo-lambda cargo-insta cargo-xbuild cargo-bootimage cargo-binutils rust-objdump rust-nm \
            rust-size rust-objcopy rustdoc rustfilt rust-gdb rust-lldb clippy-driver mdbook-test trybuild cxxbridge diplomat-tool \
            uniffi-bindgen wasmtime wasmer wasmedge wazero iwasm wasm3 wasm-interp wasm-strip wit-bindgen jco componentize-py \
            componentize-js wac stylance lightningcss lightningcss-cli unocss windicss postcss-cli cssnano sass-lint stylelint-cli \
            csscomb rtlcss critters pug haml slimrb ejs handlebars mustache nunjucks liquidjs blade-formatter rustywind oxc_parser \
            rspack rsbuild rslib farm vinxi waku nitro nitropack tsr tsgo ttsc tspc ts-patch tsc-watch ts-standard tsd expect-type \
            dts-bundle-generator typia arethetypeswrong pkg-size bundle-phobia cost-of-modules size-plugin statoscope web-ext crx \
            addons-linter puppeteer loki backstop storycap pixelmatch odiff looks-same blink-diff sitespeed.io yellowlab psi webhint \
            hint unlighthouse bundlewatch danger dangerfile reviewdog gofumports gotags gomajor gomodguard go-critic go-consistent \
            go-mod-outdated go-licenses golicense goweight gomodgraph modgraphviz godepgraph goda goplantuml go-callvis gotype gorename \
            guru gopkgs go-outline go-symbols gomvp gobco gremlins go-mutesting go-carpet gotestfmt tparse gotest.tools go-test-coverage \
            go-fuzz go-fuzz-build rapid-go protoc-gen-go protoc-gen-go-grpc protoc-gen-doc protoc-gen-validate protoc-gen-openapi \
            grpc_tools_node_protoc grpc_python_plugin prototool clang-include-cleaner clang-include-fixer clang-move clang-rename \
            clang-reorder-fields clang-refactor clang-change-namespace clang-extdef-mapping clang-offload-bundler clang-scan-deps \
            clang-uml clazy scan-build scan-view analyze-build intercept-build codechecker CodeChecker plog-converter cppdepend oclint \
            lizard metrixplusplus pmccabe cccc cyclo sourcetrail bcov cobertura2lcov coveragepy cov-html opencppcoverage unifdef \
            unifdefall coan include-gardener deheader cinclude2dot cmake-language cmakelang catch_discover cxxtestgen doctest gtest_main \
            criterion-bin cmocka check-c greatest munit unity_test_runner dejagnu runtest-dg checkmake makefile2graph remake makedepend \
            gccmakedep mkdep depcomp autoproject bakefile cmkr cabin fabricate ninja-build ninjatracing ninja-html gazelle buildtools \
            unused_deps stardoc skydoc skylint please_go bleep sbt-launch ammonite scalajs scala-native konanc kscript japicmp revapi \
            animal-sniffer error-prone jqassistant native-image native-image-configure polyglot graalpy graaljs espresso jcstress \
            gcviewer gclogviewer mat ParseHeapDump.sh jfr jfr2flame converter-jfr ap-loader honest-profiler checker-framework nullaway \
            openrewrite dotnet-format dotnet-stack csharpier roslynator jb-inspectcode inspectcode ilverify illink ilasm ildasm \
            monolinker mkbundle nunit-console nunitlite fantomas fsharplint fsautocomplete xunit-console coverlet altcover swiftpm \
            swift-test sourcekit mockolo needle slather xcresultparser hpc cabal-fmt cabal-plan cabal-gild cabal-hoogle stack-hpack \
            ghcid ghcide ghc-pkg haskell-dap hie-bios implicit-hie gen-hie apply-refact retrie tasty hspec criterion-hs threadscope \
            eventlog2html hp2ps hp2pretty profiteur hasktags fast-tags happy hsc2hs c2hs bnfc uuagc purty psa pscid elm-test elm-test-rs \
            elm-review elm-json elm-live elm-spa elm-pages elm-analyse elm-optimize-level-2 elm-doc-preview clj-kondo cljfmt zprint \
            eastwood kibit cljstyle joker shadow-cljs lumo planck nbb scittle cljs kaocha eftest cloverage obb ocamldoc ocamldep \
            ocamldebug ocamlprof ocamllex ocamlyacc menhir camlp5 ppx-tools odoc merlin ocamlmerlin dkml alcotest cppo js_of_ocaml bsc \
            rescript reason refmt erlfmt typer ct_run epmd-names recon_trace sobelow gradient lfe lfec rusty-rail fprettify findent \
            fortls ford fypp flint-fortran camfort ftnchek nagfor pgfortran nvfortran crayftn gnatprove gnatpp gnatcheck gnatstack \
            gnatmetric gnatstub gnattest gnatcoverage gprls cobc gcobol cobcheck gnucobol rexx regina brexx pli basic fbc freebasic qb64 \
            gambas3 gbc3 gbx3 ecpg esqlc perltidier podchecker podselect pod2usage prove6 cover-perl test-yaml ptar ptardiff ptargrep \
            corelist enc2xs h2ph h2xs instmodsh perlivp piconv pl2pm splain xsubpp prove-raku moar rakudo p6doc tclchecker nagelfar \
            tclkit tkcon critcl busted-lua luacov luac moonc teal darklua luau lune yue neko nekoc hashlink vhdl-tool nimsuggest nimgrep \
            c2nim testament koch nph zigmod odinfmt vfmt vdoc vtest guardian-crystal pony ponyc corral rescala chapel chpl mypyc numba \
            pythran transonic pyflyby autoimport absolufy-imports reorder-python-imports unimport dead eradicate flynt shed ssort usort \
            ufmt bowler libcst pylyzer pyanalyze typeguard monkeytype pyannotate merge-pyi stubdoc basedmypy pydoclint \
            pydocstringformatter docsig numpydoc darglint codeclimate cohesion wily mccabe complexipy cognitive-complexity skylos \
            prospector pylama hacking pytest-cov pytest-xdist slipcover genbadge diff-cover diff-quality nose-cov trial twisted-trial \
            zope-testrunner subunit2junitxml subunit-stats subunit-filter subunit2pyunit junit2html junitparser junit-viewer \
            xunit-viewer robotidy robocop rebot libdoc testdoc aloe radish lemoncheesecake hypofuzz atheris pythonfuzz crosshair \
            mutatest mutpy hunter-trace pyspy-flame fil-profile filprofiler memory_profiler tuna gprof2dot vprof yappi line_profiler \
            perfplot pyperf pyperformance asv airspeed richbench molotov taurus bzt boom pip-check pip-chill pip-conflict-checker \
            pipgrip pip-tree piprot johnnydep pipenv-setup check-python-versions pyroma wheel-inspect wheel-filename pkginfo pydistcheck \
            validate-pyproject pyproject-fmt setup-cfg-fmt pyproject-parser duty poethepoet poe taskipy bump-pydantic django-lint djade \
            djangorestframework django-upgrade lint-django sqlacodegen aerich-heads openapi-spec-validator openapi-diff oasdiff \
            openapi-format rmoa mountebank wiremock smocker json-schema-diff karate hurlfmt bru httpyac restcli ijhttp step-ci stepci \
            strest gobench plow ali slowcooker grinder tsung-stats bash_unit shspec bats-assert shdoc shellman sh-checker bashcov shcov \
            fish_indent fish_key_reader zshdb zunit",
    ),
];
