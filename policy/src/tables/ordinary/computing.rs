//! Programs that compute: science, mathematics, proofs, clusters.

use super::Group;

pub(super) const GROUPS: &[Group] = &[
    (
        "compute: science, maps, mathematics, models",
        "samtools bcftools bedtools bwa bwa-mem2 bowtie bowtie2 bowtie2-build hisat2 hisat2-build STAR salmon kallisto minimap2 \
            fastqc multiqc fastp trimmomatic cutadapt trim_galore seqtk seqkit csvtk blastn blastp blastx tblastn makeblastdb blastdbcmd \
            diamond mmseqs hmmsearch hmmscan hmmbuild muscle mafft clustalo clustalw raxml raxml-ng iqtree iqtree2 fasttree FastTree \
            gatk picard freebayes vcftools vcf-sort vcf-merge plink plink2 tabix bgzip fastq-dump fasterq-dump prefetch vdb-validate \
            featureCounts htseq-count stringtie rsem-calculate-expression spades.py megahit flye canu quast.py busco prokka bakta \
            kraken2 bracken metaphlan humann mosdepth bamCoverage computeMatrix plotHeatmap macs2 macs3 liftOver bedGraphToBigWig \
            wigToBigWig bigWigToBedGraph faToTwoBit blat nanoplot NanoPlot medaka racon pilon snpEff SnpSift vep bamtools sambamba \
            sratoolkit cd-hit vsearch usearch qiime mothur obabel obminimize xtb orca psi4 pw.x lmp lammps gmx gmx_mpi cp2k cp2k.psmp \
            nwchem namd2 namd3 sander pmemd antechamber tleap cpptraj vmd vina smina gnina propka3 vasp_std vasp_gam siesta abinit dftb+ \
            gpaw ase phonopy gdalinfo gdal_translate gdalwarp gdaladdo gdaldem gdalbuildvrt gdaltindex gdal_rasterize gdal_calc.py \
            gdal_merge.py gdal_polygonize.py gdalsrsinfo gdallocationinfo gdal_contour ogrinfo ogr2ogr ogrmerge.py proj cs2cs projinfo \
            geod gmt grass saga_cmd qgis_process osmium osmosis osmconvert osmfilter tippecanoe mapshaper shp2pgsql raster2pgsql \
            pgsql2shp las2las lasinfo las2txt pdal untwine rio fio exactextract h3 ncdump ncgen nccopy ncks ncrcat ncra ncea ncwa ncbo \
            ncap2 ncatted ncrename cdo grib_ls grib_get grib_dump wgrib wgrib2 eccodes_info h5dump h5ls h5stat h5diff h5copy h5repack \
            h5cc fitsinfo fitsheader fitscheck funpack fpack ds9 solve-field sextractor swarp scamp hadd rootls rootbrowse rootcling \
            root-config gretl pspp glpsol cbc scip highs gurobi_cl cplex minizinc clingo gringo clasp z3 cvc4 cvc5 yices boolector \
            bitwuzla minisat cadical kissat glucose alloy tlc apalache-mc why3 frama-c cbmc esbmc klee prism storm spin nusmv ngspice \
            xyce omc blockMesh snappyHexMesh simpleFoam pisoFoam icoFoam interFoam foamRun decomposePar reconstructPar checkMesh \
            foamToVTK gmsh elmersolver ElmerSolver ccx cgx febio paraview pvbatch meshio tetgen triangle qhull gap gp sage magma \
            singular Singular M2 macaulay2 pari vw fasttext lightgbm xgboost weka mahout julia-config qstat qhost pbsnodes bjobs bqueues \
            bhosts lsload condor_q condor_status condor_history module ml modulecmd orted ompi_info mpicc mpicxx mpic++ mpif77 mpif90 \
            mpifort mpichversion h5pcc h5fc nccmp",
    ),
    (
        "compute with genes, molecules and proteins",
        "bedops bedmap closest-features sort-bed vcf2bed gff2bed bigWigInfo bigWigSummary bigWigAverageOverBed bigBedToBed \
            bedToBigBed bedClip genePredToBed gtfToGenePred faSize faSplit faFilter twoBitInfo twoBitToFa hgLoadNothing pslToBed \
            axtChain chainMergeSort chainNet netToAxt lastz multiz lastal lastdb mummer nucmer promer dnadiff show-coords show-snps \
            mummerplot delly manta-config lumpyexpress smoove survivor sniffles cuteSV svim pbsv truvari hap.py rtg whatshap shapeit4 \
            beagle eagle minimac4 king gcta64 gcta regenie saige bolt admixture smartpca convertf treemix structure faststructure angsd \
            ngsdist realsfs mapdamage pmdtools schmutzi bamdst qualimap preseq rseqc infer_experiment.py geneBody_coverage.py \
            read_distribution.py bam_stat.py tin.py htseq-qa dexseq_count.py rmats.py majiq suppa.py leafcutter sleuth deseq2 edger \
            cellranger spaceranger alevin-fry kb bustools velocyto scrublet souporcell cellsnp-lite vireo demuxlet popscle bamsurgeon \
            wgsim art_illumina pbsim badread nanosim dwgsim polyester trinity Trinity transdecoder TransDecoder.LongOrfs rnaspades.py \
            rnabloom oases velveth velvetg abyss-pe soapdenovo2 idba_ud masurca hifiasm wtdbg2 shasta verkko necat nextdenovo purge_dups \
            arrow gcpp polypolish polca merqury.sh meryl jellyfish kmc kmc_tools kat genomescope smudgeplot tidk compleasm inspector \
            gfastats seqfu assembly-stats bandage gfatools gfa vg odgi pggb wfmash smoothxg minigraph cactus halStats halLiftover \
            augustus braker.pl maker genemark glimmer3 prodigal pyrodigal aragorn trnascan-SE tRNAscan-SE barrnap rnammer infernal \
            cmscan cmsearch rfam_scan.pl interproscan interproscan.sh eggnog-mapper emapper.py kofamscan exec_annotation hmmpress \
            hmmalign hmmstat jackhmmer phmmer hhsearch hhblits hhmake colabfold_batch alphafold esmfold esm-fold openfold rosettafold \
            rosetta_scripts foldseek tmalign TMalign usalign dssp mkdssp stride naccess freesasa pymol chimera chimerax ChimeraX jmol \
            rasmol prody plip apbs pdb2pqr pdb2pqr30 propka hydride reduce molprobity phenix.refine phenix.elbow refmac5 coot ccp4 xds \
            xdsconv aimless pointless dials.import dials.index dials.process relion_refine relion_display motioncor2 ctffind gctf crYOLO \
            topaz eman2 e2proc2d.py e2display.py imod newstack trimvol header clip obfit obgrep openbabel confab rdock qvina2 autodock4 \
            autogrid4 prepare_ligand prepare_receptor ledock plants dock6 zdock haddock3 lightdock3.py hdock amber sander.MPI pmemd.cuda \
            parmed mdanalysis gmx_d mdrun grompp plumed mdtraj openmm charmm namdtime lmp_mpi lmp_serial moltemplate.sh packmol \
            topotools ovito ovitos mdconvert crest orca_plot orca_2mkl pyscf g16 g09 formchk cubegen newzmat gaussview multiwfn Multiwfn \
            molden avogadro jmol.sh cp2k.popt qchem molpro mrcc turbomole dscf ridft define cosmotherm mopac MOPAC vasp_ncl vaspkit \
            phono3py ph.x pp.x bands.x dos.x projwfc.x cp.x neb.x wannier90.x postw90.x anaddb cut3d elk exciting fleur inpgen wien2k \
            x_lapw pymatgen pmg custodian atomate2 xcrysden vesta VESTA critic2 bader chargemol lobster",
    ),
    (
        "compute with maps, weather and stars",
        "gdal gdalmdiminfo gdal_grid gdal_viewshed gdal_sieve.py gdal_fillnodata.py gdal_proximity.py gdal_retile.py gdal2tiles.py \
            gdal_edit.py gdalmove.py gdalcompare.py gdal_footprint ogrtindex ogrlineref nearblack rasterstats pdal_wrench entwine \
            pdalinfo lasindex lasview lasground lastools laszip las2dem potreeconverter PotreeConverter cloudcompare CloudCompare \
            mapnik-render nik4 tilemaker tile-join pmtiles mbview mbutil mb-util martin-cp osmcoverage osm2geojson osmtogeojson \
            geojsonio geojsonhint geojson-pick topojson geo2topo topo2geo toposimplify topoquantize ndjson-filter ndjson-split shp2json \
            geohash whitebox_tools whitebox grass78 grass83 gmtselect grdinfo grdimage surface psxy pscoast qgis orfeo otbcli \
            otbcli_BandMath otbcli_Mosaic snap-gpt gpt s1tbx sen2cor L2A_Process sentinelsat isce2 topsApp.py stackSentinel.py mintpy \
            smallbaselineApp.py gdal_pansharpen.py wradlib pytroll satpy ncview panoply nces ncflint ncpdq ncremap ncclimo cdomerge \
            grib_to_netcdf grib_copy grib_filter grib_compare bufr_dump bufr_ls metview ferret pyferret grads gradsc opengrads ncl idl \
            gdl wrf.exe real.exe ungrib.exe geogrid.exe metgrid.exe wps roms mitgcmuv nemo.exe mom6 xmlquery mpas_atmosphere fv3 \
            ecflow_ui met_tools point_stat grid_stat mode-tool topcat stilts fits2bitmap wcsinfo image2xy fitscopy fitsverify fhdiff \
            funtools astfits astcrop astnoisechisel astmkcatalog astconvolve aststatistics astwarp asttable sex psfex stiff \
            weightwatcher iraf pyraf casa casaviewer wsclean DP3 aoflagger tigger sofia2 miriad gildas difmap aips heainit ximage \
            xselect dmlist dmstat fermitools gtlike gtselect tempo tempo2 presto prepfold dspsr psrstat pav stellarium celestia skycalc \
            rebound gadget4 gizmo-code arepo enzo ramses flash4 athena mesa rn gyre yt",
    ),
    (
        "compute: solve, simulate, prove",
        "lake lean4 elan leanpkg leanproject coqchk coqdep coqdoc coqwc coqide opam-coq-archive hol holmake Holmake acl2 acl2s nuprl \
            metamath mm0-rs twelf dedukti dk lambdapi matita fstar fstar.exe dafny boogie viper carbon prusti-rustc cargo-prusti \
            cargo-creusot cargo-kani kani cargo-verus verus cargo-miri miri crucible saw cryptol goto-cc goto-instrument ultimate \
            cpachecker cpa.sh infer seahorn smack symbiotic ktest-tool tamarin-prover proverif cryptoverif easycrypt scyther verifpal \
            tla2tools tlc2 tlapm apalache pluscal alloy6 nuXmv ispin promela uppaal verifyta modest mcsta cadp lnt2lotos ltsmin \
            pnml2lts-mc divine mcrl22lps lps2lts ltsconvert lps2pbes pbes2bool pbessolve mathsat opensmt stp smtinterpol princess \
            vampire eprover E spass prover9 mace4 paradox iprover leo3 satallax zipperposition twee waldmeister lingeling plingeling \
            maplesat cryptominisat5 picosat open-wbo maxhs rc2 wasp mzn2doc fzn-gecode gecode ortools-solve choco-solver lp_solve clp \
            symphony soplex ipopt bonmin couenne knitroampl ampl gams grbprobe oplrun xpress mosek copt_cmd sdpa csdp dsdp5 ecos osqp \
            scs nlopt casadi freemat euler yacas giac icas xcas fricas axiom gap.sh gp2c cocoa5 sagemath maple cmaple mathcad julia-lsp \
            r2pdf rcmd xlispstat jags stan stanc stansummary diagnose bugs openbugs multibugs inla gretlcli stata-mp ox gauss tspl \
            eviews dynare modelica omedit fmpy fmuchecker fmucheck openmodelica jmodelica sumo netconvert duarouter netedit od2trips \
            matsim omnet opp_run opp_makemake ns3 ns2 cooja contiki repast netlogo gama-headless anylogic arena vensim stella powersim \
            insightmaker swmm5 epanet2 modflow mf6 mf2005 seawat mt3dms zonebudget openquake oq elmer ElmerGrid calculix ccx_2.20 \
            code_aster as_run code_saturne salome cubit pointwise surfaceFeatureExtract potentialFoam buoyantSimpleFoam rhoSimpleFoam \
            sonicFoam reactingFoam pimpleFoam topoSet setFields mapFields postProcess foamListTimes foamMonitor foamToEnsight \
            renumberMesh refineMesh extrudeMesh mirrorMesh transformPoints createPatch mergeMeshes splitMeshRegions faceAgglomerate \
            paraFoam su2 SU2_CFD SU2_DEF SU2_SOL nektar fluidity fenics ffc dolfin-convert firedrake dealii moose lifev freefem++ \
            FreeFem++ getfem feap abaqus-viewer opensees OpenSees lsdyna radioss_starter engine_linux febio4 getdp onelab comsol-batch \
            meep mpb scuff-em palabos openlb lbm sailfish warpx smilei osiris vsim geant4 mcnp openmc serpent sss2 fluka rfluka gate \
            egsnrc penelope scone root rootprint rootdiff pyhf cabinetry combineTool madgraph mg5_aMC pythia8 herwig Herwig sherpa \
            Sherpa delphes DelphesHepMC3 rivet yoda2root yodamerge lhapdf fastjet",
    ),
    (
        "use the queues and modules of a cluster",
        "seff reportseff jobstats jobinfo sjstat slurmtop smap sview qacct pestat pbstop tracejob checkjob showstart showq bhist \
            bacct bpeek lsinfo lshosts condor_analyze condor_userprio flux-jobs llq llstatus oarstat oarnodes jobmon getent-group lmod \
            spider map-profile mpiexec.hydra orte-info impi_info ucx_info fi_info ibstat ibstatus ibv_devinfo ibv_devices ibnetdiscover \
            iblinkinfo opainfo nvidia-topology dcgmi-discovery rocminfo rocm_agent_enumerator sycl-ls mlc stream_c.exe hpl xhpl hpcg \
            xhpcg osu_latency osu_bw imb-mpi1 IMB-MPI1 ior mdtest darshan-parser darshan-job-summary.pl tau_stat scorep cube cube_stat \
            vampir extrae2prv paraver wxparaver likwid-bench likwid-pin papi_avail papi_native_avail perfctr myquota mmlsquota lquota \
            showquota sbank saldo xalt_report",
    ),
];
