"""One file of every format that is read, written by its published form; random graphs, and ways to spoil a file."""

from __future__ import annotations

import json
import random

from latentdo.graphs import LatentDag

# statements_schema.json of INDRA: the types that a pathway has.
INDRA = json.dumps(
    [
        {
            "type": "Activation",
            "subj": {"name": "SOS1", "db_refs": {"HGNC": "11187", "UP": "Q07889"}},
            "obj": {"name": "KRAS", "db_refs": {"HGNC": "6407"}},
            "obj_activity": "activity",
            "evidence": [{"source_api": "reach", "pmid": "1"}, {"source_api": "sparser", "pmid": "2"}],
            "belief": 0.93,
            "matches_hash": "-3",
            "id": "a",
        },
        {
            "type": "Phosphorylation",
            "enz": {"name": "MAP2K1", "mods": [{"mod_type": "phosphorylation", "is_modified": True}]},
            "sub": {"name": "MAPK1"},
            "residue": "T",
            "position": "185",
            "evidence": [{"source_api": "bel"}],
            "belief": 0.86,
        },
        {"type": "Activation", "subj": {"name": "KRAS"}, "obj": {"name": "MAP2K1"}, "evidence": [{}], "belief": 0.7},
        {"type": "Inhibition", "subj": {"name": "DUSP6"}, "obj": {"name": "MAPK1"}, "evidence": [{}], "belief": 0.8},
        {"type": "IncreaseAmount", "subj": {"name": "MAPK1"}, "obj": {"name": "DUSP6"}, "evidence": [], "belief": 0.4},
        {"type": "Complex", "members": [{"name": "KRAS"}, {"name": "RAF1"}], "evidence": [{}], "belief": 0.6},
        {"type": "Activation", "subj": None, "obj": {"name": "KRAS"}, "evidence": [{}]},
        {"type": "Autophosphorylation", "enz": {"name": "EGFR"}, "evidence": [{}]},
    ],
    indent=1,
)

BEL = json.dumps(
    {
        "directed": True,
        "multigraph": True,
        "graph": {"name": "small", "version": "1.0"},
        "nodes": [
            {"function": "Protein", "concept": {"namespace": "HGNC", "name": "AKT1", "identifier": "391"}, "id": 0},
            {"function": "Protein", "concept": {"namespace": "HGNC", "name": "EGFR"}, "id": 1},
            {"function": "BiologicalProcess", "concept": {"namespace": "GO", "name": "apoptotic process"}, "id": 2},
            {
                "function": "Protein",
                "concept": {"namespace": "HGNC", "name": "AKT1"},
                "variants": [
                    {"kind": "pmod", "concept": {"namespace": "bel", "name": "Ph"}, "code": "Ser", "pos": 473}
                ],
                "id": 3,
            },
            {"function": "RNA", "concept": {"namespace": "HGNC", "name": "FOXO3"}, "id": 4},
        ],
        "links": [
            {"source": 1, "target": 0, "relation": "increases", "key": 0, "citation": {"namespace": "pubmed"}},
            {"source": 0, "target": 2, "relation": "directlyDecreases", "key": 1},
            {"source": 0, "target": 3, "relation": "hasVariant", "key": 2},
            {"source": 0, "target": 4, "relation": "regulates", "key": 3},
            {"source": 4, "target": 2, "relation": "association", "key": 4},
        ],
    },
    indent=1,
)

CAUSAL_FUSION = json.dumps(
    {
        "name": "front door",
        "nodes": [
            {"id": "n0", "name": "X", "label": "X", "type": "basic", "metadata": {"x": 0, "y": 0}},
            {"id": "n1", "name": "M", "label": "M", "type": "basic"},
            {"id": "n2", "name": "Y", "label": "Y", "type": "basic"},
            {"id": "n3", "name": "alone", "label": "alone", "type": "basic"},
        ],
        "edges": [
            {"id": "e0", "from": "X", "to": "M", "type": "directed"},
            {"id": "e1", "from": "n1", "to": "Y", "type": "directed"},
            {"id": "e2", "from": "X", "to": "Y", "type": "bidirected", "metadata": {"cp": {}}},
        ],
    },
    indent=1,
)

SIF = """\
EGF\tactivates\tEGFR
EGFR\tcontrols-state-change-of\tKRAS\tPIK3CA
DUSP6\tinhibits\tERK 1
KRAS\tin-complex-with\tRAF1
lone
"""

_COLUMNS = "source target source_genesymbol target_genesymbol is_directed"
_COLUMNS += " is_stimulation is_inhibition consensus_direction n_references"
OMNIPATH = (
    _COLUMNS.replace(" ", "\t")
    + """
P00533\tP01116\tEGFR\tKRAS\t1\t1\t0\t1\t12
P31749\tP49840\tAKT1\tGSK3A\t1\t0\t1\t1\t5
P01116\tP31749\tKRAS\tAKT1\t1\t1\t1\t0\t2
P12931\tP00533\tSRC\tEGFR\t1\t0\t0\t0\t1
Q9H3D4\tP04637\tTP63\tTP53\t0\t0\t0\t0\t3
"""
)

SBML_QUAL = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1"
      xmlns:qual="http://www.sbml.org/sbml/level3/version1/qual/version1" qual:required="true">
  <model id="regulation">
    <listOfCompartments><compartment id="cell" constant="true"/></listOfCompartments>
    <qual:listOfQualitativeSpecies>
      <qual:qualitativeSpecies qual:id="s1" qual:name="EGFR" qual:compartment="cell" qual:constant="false"/>
      <qual:qualitativeSpecies qual:id="s2" qual:name="KRAS" qual:compartment="cell" qual:constant="false"/>
      <qual:qualitativeSpecies qual:id="s3" qual:name="TP53" qual:compartment="cell" qual:constant="false"/>
      <qual:qualitativeSpecies qual:id="s4" qual:name="MDM2" qual:compartment="cell" qual:constant="false"/>
    </qual:listOfQualitativeSpecies>
    <qual:listOfTransitions>
      <qual:transition qual:id="t1">
        <qual:listOfInputs>
          <qual:input qual:qualitativeSpecies="s1" qual:transitionEffect="none" qual:sign="positive"/>
          <qual:input qual:qualitativeSpecies="s3" qual:transitionEffect="none" qual:sign="dual"/>
        </qual:listOfInputs>
        <qual:listOfOutputs>
          <qual:output qual:qualitativeSpecies="s2" qual:transitionEffect="assignmentLevel"/>
        </qual:listOfOutputs>
      </qual:transition>
      <qual:transition qual:id="t2">
        <qual:listOfInputs>
          <qual:input qual:qualitativeSpecies="s4" qual:transitionEffect="none" qual:sign="negative"/>
        </qual:listOfInputs>
        <qual:listOfOutputs><qual:output qual:qualitativeSpecies="s3"/></qual:listOfOutputs>
      </qual:transition>
    </qual:listOfTransitions>
  </model>
</sbml>
"""

DOT = """// drawn elsewhere
strict digraph "a pathway" {
  rankdir=LR; node [shape=box, label=<<b>x</b>>];
  EGF -> EGFR -> { KRAS "PI3K, p110" } [sign="+"];
  DUSP6:out:e -> ERK:w [arrowhead = tee color="#ff0000"];
  subgraph cluster_nucleus { label="nucleus"; ERK -> "c-Fos"; }
  U [style=dashed]; U -> { KRAS ERK };
  KRAS -> "PI3K, p110" [dir=both];
  "quo\\"ted" + " name";
}
"""

GML = """graph [
  directed 1
  node [ id 0 label "X" ]
  node [ id 1 label "M" ]
  node [ id 2 label "Y" ]
  node [ id 3 label "U" latent 1 ]
  edge [ source 0 target 1 ]
  edge [ source 1 target 2 sign "-" ]
  edge [ source 3 target 0 ]
  edge [ source 3 target 2 ]
]
"""

GRAPHML = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="d0" for="node" attr.name="latent" attr.type="boolean"/>
  <key id="d1" for="edge" attr.name="sign" attr.type="string"/>
  <graph edgedefault="directed">
    <node id="X"/><node id="M"/><node id="Y"/>
    <node id="U"><data key="d0">true</data></node>
    <edge source="X" target="M"/><edge source="M" target="Y"><data key="d1">-</data></edge>
    <edge source="U" target="X"/><edge source="U" target="Y"/>
  </graph>
</graphml>
"""

BIF = """network "cancer" { property author "Korb & Nicholson"; }
variable Pollution { type discrete [ 2 ] { low, high }; property position = (73, 165) ; }
variable Smoker { type discrete [ 2 ] { True, False }; }
variable Cancer { type discrete [ 2 ] { True, False }; }
variable "X ray" { type discrete [ 3 ] { positive, negative, <5 }; }
probability ( Pollution ) { table 0.9, 0.1; }
probability ( Smoker ) { table 0.3, 0.7; }
probability ( Cancer | Pollution, Smoker ) {
  (low, True) 0.03, 0.97;
  (high, True) 0.05, 0.95;
  (low, False) 0.001, 0.999;
  default 0.02, 0.98;
}
probability ( "X ray" | Cancer ) { table 0.9, 0.2, 0.05, 0.7, 0.05, 0.1; }
"""

XMLBIF = """<?xml version="1.0"?>
<!DOCTYPE BIF [
  <!ELEMENT BIF ( NETWORK )*>
  <!ATTLIST BIF VERSION CDATA #REQUIRED>
  <!ELEMENT NETWORK ( NAME, ( PROPERTY | VARIABLE | DEFINITION )* )>
]>
<BIF VERSION="0.3">
<NETWORK>
<NAME>dog</NAME>
<VARIABLE TYPE="nature"><NAME>bowel</NAME><OUTCOME>true</OUTCOME><OUTCOME>false</OUTCOME></VARIABLE>
<VARIABLE TYPE="nature"><NAME>family-out</NAME><OUTCOME>true</OUTCOME><OUTCOME>false</OUTCOME></VARIABLE>
<VARIABLE TYPE="nature"><NAME>dog-out</NAME><OUTCOME>true</OUTCOME><OUTCOME>false</OUTCOME></VARIABLE>
<DEFINITION><FOR>bowel</FOR><TABLE>0.01 0.99</TABLE></DEFINITION>
<DEFINITION><FOR>family-out</FOR><TABLE>0.15 0.85</TABLE></DEFINITION>
<DEFINITION><FOR>dog-out</FOR><GIVEN>bowel</GIVEN><GIVEN>family-out</GIVEN>
<TABLE>0.99 0.01 0.97 0.03 0.9 0.1 0.3 0.7</TABLE></DEFINITION>
</NETWORK>
</BIF>
"""

# The manual of lavaan: political democracy (Bollen 1989), with a mediation on top.
LAVAAN = """# latent variable definitions
ind60 =~ x1 + x2 + x3
dem60 =~ y1 + a*y2 + b*y3 + c*y4
dem65 =~ y5 + a*y6 +
         b*y7 + c*y8
# regressions
dem60 ~ ind60
dem65 ~ ind60 + dem60
# residual covariances
y1 ~~ y5; y2 ~~ y4 + y6
y6 ~~ 0*y8
# mediation
M ~ f*X
Y ~ g*M + h*X + start(0.1)*Z ! a start
Y ~ 1
indirect := f*g
total := h + (f*g)
"""

DAGITTY = """dag "m bias" {
  bb="0,0,1,1"
  U1 [latent,pos="0,0"]
  U2 [latent]
  X [exposure]
  Y [outcome]
  U1 -> { X Z }
  U2 -> { Z Y }
  X -> Y [beta=0.5]
  X <-> "w 1"
}
"""

EDGES = """\
source,target,sign,type
EGF,EGFR,+,
DUSP6,ERK,-,directed
ERK,"c-Fos, human",,
U,,,latent
U,ERK,,
EGF,ERK,,bidirected
"""

MATRIX = "X,M,Y\n0,0,0\n0.8,0,0\n0,-0.5,0\n"

TEXTS: dict[str, str] = {
    "indra": INDRA, "bel": BEL, "causal-fusion": CAUSAL_FUSION, "sif": SIF, "omnipath": OMNIPATH, "sbml-qual": SBML_QUAL,
    "dot": DOT, "gml": GML, "graphml": GRAPHML, "bif": BIF, "xmlbif": XMLBIF, "lavaan": LAVAAN, "dagitty": DAGITTY,
    "edges": EDGES, "matrix": MATRIX,
}  # fmt: skip
OPTIONS: dict[str, dict[str, str]] = {"matrix": {"convention": "lingam"}, "indra": {"cycles": "drop-weakest"}}
ENDS = {
    "indra": ".json", "bel": ".json", "causal-fusion": ".json", "sif": ".sif", "omnipath": ".tsv", "sbml-qual": ".sbml",
    "dot": ".dot", "gml": ".gml", "graphml": ".graphml", "bif": ".bif", "xmlbif": ".xmlbif", "lavaan": ".lavaan",
    "dagitty": ".dagitty", "edges": ".csv", "matrix": ".csv",
}  # fmt: skip

NAMES = ("X", "Y", "IL-6", "c.Fos", "two words", 'quo"te', "a<b&c", "Σ", "back\\slash", "semi;colon", "comma, here", "graph",
         "node", "x1", "EGFR", "0")  # fmt: skip
PLAIN = ("X", "Y", "Z", "M", "EGFR", "x1", "c.Fos", "AKT_1", "U", "V", "W1", "B")


def random_graph(chance: random.Random, *, names: tuple[str, ...] = NAMES, full: bool = True) -> LatentDag:
    """A graph of two to eight nodes; `full` ones have latents, hidden causes, several behind one, and inhibiting edges."""
    nodes = tuple(chance.sample(names, chance.randint(2, min(8, len(names)))))
    order = chance.sample(nodes, len(nodes))
    directed = frozenset((a, b) for k, a in enumerate(order) for b in order[k + 1 :] if chance.random() < 0.35)
    arcs = [
        (a, b, chance.choice((1, 1, 1, 2)))
        for k, a in enumerate(nodes)
        for b in nodes[k + 1 :]
        if full and chance.random() < 0.12
    ]
    latent = frozenset(node for node in nodes if full and chance.random() < 0.2)
    inhibiting = frozenset(edge for edge in directed if chance.random() < 0.3)
    return LatentDag(nodes, directed, tuple(arcs), latent, inhibiting)


def spoilt(chance: random.Random, content: bytes) -> bytes:
    """The content with a few bytes changed, left out or doubled, or its end cut off."""
    data = bytearray(content)
    match chance.randrange(5):
        case 0:
            return bytes(data[: chance.randrange(len(data))])
        case 1:
            for _ in range(chance.randint(1, 8)):
                data[chance.randrange(len(data))] = chance.randrange(256)
        case 2:
            for _ in range(chance.randint(1, 4)):
                data[chance.randrange(len(data))] = chance.choice(b'"{}[]()<>,;:|=~-+*0 \n')
        case 3:
            at = chance.randrange(len(data))
            del data[at : at + chance.randint(1, 30)]
        case _:
            at, end = sorted((chance.randrange(len(data)), chance.randrange(len(data))))
            data[at:at] = data[at : min(end, at + 400)] * chance.randint(1, 3)
    return bytes(data)
