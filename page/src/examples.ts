// Graphs to begin with.

export interface Example {
  readonly title: string;
  readonly text: string;
  readonly questions: readonly string[];
}

export const EXAMPLES: readonly Example[] = [
  {
    title: "Front door: a hidden cause, a measured way",
    text: "# What does X do to Y? Nobody measured U.\nlatent U\nU -> X; U -> Y\nX -> M -> Y\n",
    questions: ["E[Y | do(X=1)] - E[Y | do(X=0)]"],
  },
  {
    title: "Back door: a measured common cause",
    text: "Z -> X -> Y\nZ -> Y\n",
    questions: ["P(Y | do(X))"],
  },
  {
    title: "Bow: no answer, and what would help",
    text: "X -> Y\nX <-> Y\n",
    questions: ["P(Y | do(X))"],
  },
  {
    title: "Napkin",
    text: "W -> R -> X -> Y\nW <-> X\nW <-> Y\n",
    questions: ["P(Y | do(X))"],
  },
  {
    title: "Instrument: Z moves X alone",
    text: "latent U\nZ -> X -> Y\nU -> X; U -> Y\n",
    questions: ["P(Y | do(X))", "P(Y | do(Z))"],
  },
  {
    title: "M: adjusting would harm",
    text: "latent U, V\nU -> X; U -> Z\nV -> Z; V -> Y\nX -> Y\n",
    questions: ["P(Y | do(X))"],
  },
  {
    title: "Verma: a trace without an independence",
    text: "A -> B -> C -> D\nB <-> D\n",
    questions: ["P(D | do(C))", "P(D | do(A))"],
  },
  {
    title: "Two treatments in a row",
    text: "# A first treatment, what it changes, a second treatment.\nA -> L -> B -> Y\nA -> Y\nL <-> Y\n",
    questions: ["E[Y | do(A=1, B=1)] - E[Y | do(A=0, B=0)]"],
  },
  {
    title: "IGF signaling, a model with signs",
    text: `# IGF signaling: + raises, - lowers.
latent EGF, IGF ~ normal
SOS ~ hill(+EGF, +IGF)
PI3K ~ hill(+EGF, +IGF, +Ras)
Ras ~ hill(+SOS)
AKT ~ hill(+PI3K)
Raf ~ hill(+Ras, -AKT)
Mek ~ hill(+Raf)
Erk ~ hill(+Mek)
`,
    questions: ["E[Erk | do(SOS=70)] - E[Erk]"],
  },
  {
    title: "Host response to SARS-CoV-2",
    text: `# SARS-CoV-2, cytokine storm, and two drugs: Toci blocks sIL6R, Gefi blocks EGFR.
SARS_CoV2 -| ACE2 -| AngII -> AGTR1 -> ADAM17
ADAM17 -> sIL6R -> IL6_STAT3 -> IL6_AMP -> Cytokine
ADAM17 -> EGF -> EGFR -> NFkB -> IL6_AMP
ADAM17 -> TNF -> NFkB
SARS_CoV2 -> PRR -> NFkB
Toci -| sIL6R
Gefi -| EGFR
SARS_CoV2 <-> AngII
ADAM17 <-> sIL6R
PRR <-> NFkB
EGF <-> EGFR
EGFR <-> TNF
EGFR <-> IL6_STAT3
`,
    questions: ["E[Cytokine | do(sIL6R=20)]", "E[Cytokine | do(EGFR=20)]", "E[Cytokine | do(sIL6R=20, EGFR=20)]"],
  },
];
