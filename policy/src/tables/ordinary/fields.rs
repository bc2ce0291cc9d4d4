//! Programs of single fields: small machines, circuits, phones, games, traces, chains, models.

use super::Group;

pub(super) const GROUPS: &[Group] = &[
    (
        "build and inspect what runs on small machines",
        "tinygo ceedling unity cmock avr-objcopy avr-objdump avr-size avr-nm avr-ar simavr simulavr elf2uf2 uf2conv uf2conv.py \
            srec_cat srec_info srec_cmp hex2bin bin2hex mergehex kas bitbake oe-pkgdata-util devtool recipetool runqemu menuconfig \
            kconfig-mconf genconfig kconfiglib fdtoverlay fdtput dt-validate dt-doc-validate dtschema st-info picocom minicom tio \
            screenlog sigrok-cli pulseview candump canplayer cansniffer canbusload isotpdump i2cdetect gpiodetect gpioinfo gpioget \
            lsusb.py usbhid-dump usb-devices dfu-suffix mkbootimg unpackbootimg abootimg imgtool dumpimage fw_printenv arduino \
            arduino-lint mbed mcuboot platformio-ide micropython circuitpython qemu-system-arm qemu-system-aarch64 qemu-system-x86_64 \
            qemu-system-i386 qemu-system-riscv64 qemu-system-riscv32 qemu-system-mips qemu-system-mipsel qemu-system-ppc \
            qemu-system-ppc64 qemu-system-s390x qemu-system-sparc qemu-system-avr qemu-system-xtensa renode gem5 spike riscv-tests \
            ovpsim bochs simh vpr sail idf.py idf_monitor.py idf_size.py puncover cstack arm-none-eabi-size arm-none-eabi-gdb-py \
            linkermapviz amap twister sanitycheck nxstyle nuttx-tools xtensa-esp32-elf-size sdcpp sdobjcopy gputils gpasm gplink gpsim \
            xc8 xc16 xc32 armcc armclang armlink armasm fromelf armar iarbuild icc430 cl430 cl2000 tiarmclang msp430-gcc msp430-elf-gcc",
    ),
    (
        "design circuits, boards and solids",
        "verilator_coverage verilator_gantt slang surelog sv2v svparse sv-bugpoint verible-verilog-syntax verible-verilog-diff \
            verible-verilog-project netlistsvg nextpnr-nexus nextpnr-gowin nextpnr-himbaechel nextpnr-xilinx icetime icepll icebox_vlog \
            icemulti ecppack ecpunpack prjtrellis gowin_pack abc eqy mcy bender morty edalize hdl-registry openroad openlane magic \
            netgen klayout xschem qucs qucsator gnucap ltspice hspice spectre gaw gwave vcd2wav wave-viewer surfer nvc vunit \
            cocotb-runner pymtl amaranth clash firtool firrtl circt-opt circt-translate llhd-sim veryl vhdl-linter vhdl-style-guide \
            rust_hdl vhdl_ls hdlmake vivado_hls vitis_hls xelab xvlog xvhdl xsim quartus_map quartus_fit quartus_asm quartus_sta \
            quartus_cdb vlib vmap vopt vcs simv xrun irun kicad-cli kicad gerbv pcb2gcode gschem geda pcbdraw kibot kikit \
            interactive_html_bom skidl freecad freecadcmd FreeCADCmd openjscad jscad solvespace brlcad mged admesh pymesh stl2gts \
            stltools superslicer curaengine CuraEngine kiri",
    ),
    (
        "build and look into applications of phones",
        "apkanalyzer dexdump dexlist baksmali smali apkid apkleaks androguard dex2jar d2j-dex2jar enjarify etc1tool hierarchyviewer \
            lint-android logcat getprop dumpsys uiautomator screencap ktfmt xcresulttool xccov xcov xcodegen tuist mint swiftgen \
            periphery plutil ibtool actool momc instruments atos symbolicatecrash ideviceinfo idevice_id idevicesyslog react-native-cli \
            expo-doctor expo-optimize nativescript ns tns capacitor cap-sync fvm melos pana very_good mason kmp qtpy",
    ),
    (
        "make games and their assets",
        "godot godot4 godot3 gdformat gdlint gdparse gdradon Unity unreal UnrealEditor-Cmd RunUAT UE4Editor-Cmd love love2d tiled \
            tmxrasterizer terraingenerator toktx ktx ktx2check ktxinfo ktxsc ktx2ktx2 basisu crunch compressonatorcli PVRTexToolCLI \
            texconv nvcompress nvdecompress astcenc gltf_validator gltf-validator gltf-pipeline obj2gltf fbx2gltf FBX2glTF blender \
            aseprite libresprite texturepacker TexturePacker spritesheet-js bmfont hiero msdfgen msdf-atlas-gen fontbm shadercross \
            glslcc sokol-shdc bgfx-shaderc shaderc fxc spirv-reflect fossilize-replay cocos defold bob pico8 tic80 ldtk ogmo rexpaint \
            ink inklecate yarnspinner ysc tweego",
    ),
    (
        "look for weaknesses, traces and secrets in files",
        "sigtool yarac yr vol vol.py vol3 volatility volatility3 volshell mmls fls istat ils ifind ffind fsstat img_stat img_cat jls \
            tsk_loaddb mactime log2timeline.py psort.py pinfo.py plaso ewfinfo ewfverify affinfo affstats foremost scalpel \
            bulk_extractor unblob firmwalker strings-utf16 floss capa peframe pescan pedump readpe pehash pesec pestr ofs2rva rva2ofs \
            pev manalyze olevba oleid oleobj olemap olemeta oletimes olefile oledump.py oledump rtfobj rtfdump.py mraptor msodde pdfid \
            pdfid.py pdf-parser pdf-parser.py peepdf pdfextract pdfxray exiflooter stegseek zsteg stegdetect jsteg tlsh sdhash hashid \
            hash-identifier nth name-that-hash bro-cut zeek tcpxtract chaosreader pcapfix nfdump nfanon rwfilter rwcut rwstats rwuniq \
            rwcount rwsort argus ra racluster rasort p0f nsm tcptrace evtx_dump evtxexport evtx_dump.py chainsaw hayabusa sigma sigmac \
            sigma-cli regripper rip.pl reglookup hivexget analyzeMFT.py MFTECmd PECmd lnkinfo prefetch.py usnparser osquery yextend \
            thor-lite lynis chkrootkit debsecan osv-scanner cve-bin-tool dependency-check retire npm-audit-resolver audit-ci \
            better-npm-audit auditjs nancy gokart nodejsscan njsscan insider horusec dlint dodgy pyup cargo-crev cargo-vet \
            cargo-auditable rats graudit findsecbugs codeql joern weggli sonar-scanner sonarqube-scanner kics regula cloudsplaining \
            parliament prowler scoutsuite scout steampipe powerpipe kube-bench kubescape kubeaudit kubesec rbac-lookup rbac-tool who-can \
            tlsx cipherscan hardenize mozilla-observatory detect-secrets-hook ggshield whispers repo-supervisor secretlint rusty-hog \
            keyscope radare2 r2 rizin rz-bin rz-diff rz-asm rz-hash cutter ghidra analyzeHeadless ropper ROPgadget one_gadget pwn \
            checksec.sh angr miasm objdump-all retdec-decompiler snowman ilspycmd dnspy monodis ikdasm cfr procyon jd-cli fernflower \
            vineflower uncompyle6 decompyle3 pycdc pycdas unluac luadec wabt wasm-decompile ngs diec die detect-it-easy exifprobe",
    ),
    (
        "build and try programs of chains of blocks",
        "hardhat truffle ganache anvil slither mythril myth echidna echidna-test medusa-fuzz manticore halmos certoraRun kontrol \
            solhint solium ethlint surya sol-merger sol2uml fe huffc anchor solana-test-validator cargo-build-sbf cargo-build-bpf \
            cargo-test-sbf seahorse scrypto resim aptos-move sui-move move-analyzer sway forc cairo-compile cairo-run cairo-test scarb \
            snforge starknet-compile starknet-class-hash leo aleo nargo bb-prover circom snarkjs zokrates noir clarinet ligo archetype \
            smartpy cargo-contract substrate-contracts-node subkey-inspect subxt near-sdk-js cargo-generate cw-optimizoor cadence",
    ),
    (
        "train, judge and turn models",
        "torch-model-archiver lightning fairseq-train fairseq-generate fairseq-preprocess fairseq-score spm_train spm_encode \
            spm_decode spm_export_vocab subword-nmt sacrebleu sacremoses comet-score bert-score rouge_score lm_eval lm-eval lighteval \
            evalplus bigcode-eval helm-summarize deepeval promptfoo ragas langchain langgraph llm llama-bench llama-quantize \
            llama-perplexity llama-embedding llama-tokenize llama-gguf gguf_dump convert_hf_to_gguf.py vllm sglang tgi mlc_llm trl \
            axolotl torchtune llamafactory-cli litgpt autotrain optimum-cli onnxruntime_perf_test onnxsim onnxslim onnx-tf trtexec \
            polygraphy openvino mo ovc benchmark_app pot tflite_convert tensorflowjs_converter saved_model_cli tensorboardx aim dvclive \
            cml neptune guild sacred-board ray zenml bentoml cog-predict label-studio fiftyone supervision yolo mmdet mim paddleocr tts \
            faster-whisper stable-ts demucs spleeter vosk-transcriber coqui sentence-transformers stanza flair nemo nltk gensim libsvm \
            svm-train svm-predict svm-scale train catboost h2o autogluon tpot pycaret nni ludwig great_expectations deepchecks evidently \
            pandas-profiling ydata_profiling sweetviz pointblank soda",
    ),
];
